import { Command, Option } from 'clipanion';
import type { PullPreview } from '../../client/index.ts';
import { OmgError, printableLine } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import { pullModel } from '../progress/pull-model.ts';
import { outlineText } from '../progress/show-transfer.ts';
import type { Session } from '../session.ts';
import { formatBytes } from '../terminal/units.ts';

export class PullCommand extends DataCommand {
  static override paths = [['pull'], ['model', 'pull']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Download a model.',
    details:
      'A model is a short name such as `qwen3:4b`, or `owner/repo` on Hugging Face, with `:QUANT` for a quantization and `@REVISION` for a branch, tag or commit. Its headers are read first: what cannot run is not downloaded. A download that was interrupted goes on where it stopped.',
    examples: [
      ['By its short name', '$0 pull qwen3:0.6b'],
      ['A quantization', '$0 pull bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M'],
      ['A revision', '$0 pull Qwen/Qwen3-0.6B@main'],
      ['What it would bring', '$0 pull --dry-run qwen3:4b'],
    ],
  });

  model = Option.String({ name: 'model' });
  quant = Option.String('--quant', { description: 'Quantization, such as Q4_K_M.' });
  revision = Option.String('--revision', { description: 'Branch, tag or commit.' });
  file = Option.String('--file', { description: 'Download this file of the repository.' });
  force = Option.Boolean('--force', false, {
    description: 'Download it although it cannot run, and check what is there already.',
  });
  dryRun = Option.Boolean('--dry-run', false, { description: 'Only say what would be downloaded.' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const client = await session.daemon();
    const { model, quant, revision, file, force } = this;
    if (this.dryRun) return preview(session, await client.preview({ model, quant, revision, file }, session.signal));
    const transfer = await pullModel(session, client, { model, quant, revision, file, force });
    const { received, total } = transfer;
    if (printer.isJson) printer.jsonLine({ model, status: transfer.status, bytes: received, total });
    else if (received === 0 && transfer.found('store') === total) printer.status(`${model} is up to date.`);
    const entry = await client.model(model).catch((error: unknown) => {
      if (!force) throw error;
      // It came although it cannot run.
      printer.warn(OmgError.from(error).message);
      return undefined;
    });
    if (entry?.capabilities.includes('completion')) printer.hint(`Chat with it: \`omg run ${model}\`.`);
  }
}

function preview({ printer }: Session, found: PullPreview): void {
  if (printer.isJson) {
    printer.json(found);
    return;
  }
  printer.line(`${found.name}: ${outlineText(found)}`);
  printer.table(
    [{ title: 'FILE' }, { title: 'SIZE', align: 'right' }],
    found.files.map(({ name, size }) => [printableLine(name), formatBytes(size)]),
  );
}
