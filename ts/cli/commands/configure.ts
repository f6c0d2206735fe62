import { Command, Option } from 'clipanion';
import type { ModelConfiguration } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Printer } from '../printer.ts';
import type { Session } from '../session.ts';

export class ConfigureCommand extends DataCommand {
  static override paths = [['configure'], ['model', 'configure']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Set how a model is loaded, and load it; or show what is set.',
    details:
      'As `docker model configure`. It holds from then on, also for later daemons, until it is set anew; requests that say otherwise themselves win. Without options it shows what is set.',
    examples: [
      ['A larger context window', '$0 configure qwen3:4b --context-size 16384'],
      ['Stay loaded for an hour', '$0 configure qwen3:4b --keep-alive 1h'],
      ['As if nothing had been set', '$0 configure qwen3:4b --context-size=-1'],
      ['What is set', '$0 configure'],
    ],
  });

  model = Option.String({ name: 'model', required: false });
  contextSize = Option.String('--context-size', {
    description: 'Context window in tokens; -1: what the model and the memory allow.',
  });
  keepAlive = Option.String('--keep-alive', { description: 'How long it stays loaded when idle, such as 10m or -1.' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const contextSize = this.contextSize === undefined ? undefined : Number(this.contextSize);
    if (contextSize !== undefined && !(contextSize === -1 || (Number.isInteger(contextSize) && contextSize >= 1))) {
      throw new OmgError(
        'invalid_request',
        `--context-size must be a whole number from 1, or -1, not "${this.contextSize}".`,
      );
    }
    const isShown = contextSize === undefined && this.keepAlive === undefined;
    if (this.model === undefined && !isShown) throw new OmgError('invalid_request', 'Missing MODEL.');
    const client = await session.daemon();
    if (this.model === undefined || isShown) return show(printer, await client.configurations(this.model));
    await client.configure({ model: this.model, 'context-size': contextSize, keep_alive: this.keepAlive });
    if (printer.isJson)
      return printer.json({ model: this.model, context_size: contextSize, keep_alive: this.keepAlive });
    printer.status(`Configured ${this.model}.`);
  }
}

function show(printer: Printer, configured: ModelConfiguration[]): void {
  if (printer.isJson) printer.json(configured);
  else if (configured.length === 0) printer.status('Nothing is set.');
  else {
    printer.table(
      [{ title: 'NAME' }, { title: 'CONTEXT', align: 'right' }, { title: 'KEEP ALIVE', align: 'right' }],
      configured.map(({ Model, Config }) => [Model, shownSize(Config['context-size']), Config.keep_alive ?? '']),
    );
  }
}

function shownSize(size: number | undefined): string {
  return size === undefined || size <= 0 ? '' : String(size);
}
