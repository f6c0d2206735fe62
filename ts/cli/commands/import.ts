import { resolve } from 'node:path';
import { Command, Option } from 'clipanion';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';
import { formatBytes } from '../terminal/units.ts';

export class ImportCommand extends DataCommand {
  static override paths = [['import'], ['model', 'import']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Add a GGUF file or a safetensors folder from this machine.',
    details:
      'The files are linked where the file system allows it, and used where they lie otherwise; with `--copy` they are copied. They are never moved.',
    examples: [
      ['A file', '$0 import ~/models/tiny.Q4_K_M.gguf'],
      ['A folder, under another name', '$0 import ./Qwen3-0.6B --name qwen3'],
    ],
  });

  source = Option.String({ name: 'path' });
  name = Option.String('--name', { description: 'Name of the model; its file name otherwise.' });
  copy = Option.Boolean('--copy', false, { description: 'Copy the files.' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const client = await session.daemon();
    const model = await client.importModel(resolve(this.source), { name: this.name, copy: this.copy });
    if (printer.isJson) return printer.json(model);
    printer.status(`Imported ${model.name} (${formatBytes(model.size)}).`);
    if (model.template_problem !== undefined) {
      printer.warn(`Its chat template cannot be used: ${model.template_problem}.`);
      printer.hint(`\`omg create\` makes a model of ${model.name} with another template.`);
    } else if (model.capabilities.includes('completion')) printer.hint(`Chat with it: \`omg run ${model.name}\`.`);
  }
}
