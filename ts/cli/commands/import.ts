import { basename, resolve } from 'node:path';
import { Command, Option } from 'clipanion';
import type { ImportLine, ModelEntry, PullLine } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import { showWork } from '../progress/show-transfer.ts';
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
  force = Option.Boolean('--force', false, { description: 'Also a model that cannot run.' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const client = await session.daemon();
    const { name, copy, force, source } = this;
    const lines = client.importing(resolve(source), { name, copy, force }, session.signal);
    const model = await showImport(session, lines, basename(source));
    if (printer.isJson) return printer.jsonLine(model);
    printer.status(`Imported ${model.name} (${formatBytes(model.size)}).`);
    if (model.problem !== undefined) printer.warn(model.problem);
    else if (model.template_problem !== undefined) {
      printer.warn(`Its chat template cannot be used: ${model.template_problem}.`);
      printer.hint(`\`omg create\` makes a model of ${model.name} with another template.`);
    } else if (model.capabilities.includes('completion')) printer.hint(`Chat with it: \`omg run ${model.name}\`.`);
  }
}

/** The files are read once, to know them again: that is what takes the time. */
async function showImport(
  { printer, signal }: Session,
  lines: AsyncIterable<ImportLine>,
  label: string,
): Promise<ModelEntry> {
  let model: ModelEntry | undefined;
  const steps = async function* (): AsyncGenerator<PullLine> {
    for await (const { model: installed, ...line } of lines) {
      model = installed ?? model;
      yield { ...line, ...(line.total === undefined ? {} : { digest: label, file: label }) };
    }
  };
  try {
    await showWork(printer, steps());
  } catch (error) {
    if (signal.aborted) printer.status('Stopped. Nothing was installed, and your files are as they were.');
    throw error;
  }
  if (model === undefined) throw new OmgError('internal', 'The import ended without a model.');
  return model;
}
