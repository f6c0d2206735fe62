import { Command, Option } from 'clipanion';
import { CATEGORY, DataCommand } from '../command.ts';
import { pullModel } from '../progress/pull-model.ts';
import type { Session } from '../session.ts';

export class PullCommand extends DataCommand {
  static override paths = [['pull'], ['model', 'pull']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Download a model.',
    details:
      'A model is a short name such as `qwen3:4b`, or `owner/repo` on Hugging Face, with `:QUANT` for a quantization and `@REVISION` for a branch, tag or commit. A download that was interrupted goes on where it stopped.',
    examples: [
      ['By its short name', '$0 pull qwen3:0.6b'],
      ['A quantization', '$0 pull bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M'],
      ['A revision', '$0 pull Qwen/Qwen3-0.6B@main'],
    ],
  });

  model = Option.String({ name: 'model' });
  quant = Option.String('--quant', { description: 'Quantization, such as Q4_K_M.' });
  revision = Option.String('--revision', { description: 'Branch, tag or commit.' });
  file = Option.String('--file', { description: 'Download this file of the repository.' });
  force = Option.Boolean('--force', false, { description: 'Download again what is there already.' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const client = await session.daemon();
    const { model, quant, revision, file, force } = this;
    const transfer = await pullModel(session, client, { model, quant, revision, file, force });
    if (printer.isJson) printer.json({ model, status: transfer.status, bytes: transfer.received });
    else if (transfer.received === 0) printer.status(`${model} is up to date.`);
    printer.hint(`Chat with it: \`omg run ${model}\`.`);
  }
}
