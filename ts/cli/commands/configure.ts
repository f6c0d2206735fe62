import { Command, Option } from 'clipanion';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

export class ConfigureCommand extends DataCommand {
  static override paths = [['configure'], ['model', 'configure']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Set how a model is loaded, and load it.',
    details:
      'As `docker model configure`. It holds from then on, also for later daemons; requests that say otherwise themselves win.',
    examples: [
      ['A larger context window', '$0 configure qwen3:4b --context-size 16384'],
      ['Stay loaded for an hour', '$0 configure qwen3:4b --keep-alive 1h'],
    ],
  });

  model = Option.String({ name: 'model' });
  contextSize = Option.String('--context-size', { description: 'Context window in tokens.' });
  keepAlive = Option.String('--keep-alive', { description: 'How long it stays loaded when idle, such as 10m or -1.' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const contextSize = this.contextSize === undefined ? undefined : Number(this.contextSize);
    if (contextSize !== undefined && !(Number.isInteger(contextSize) && contextSize >= 1)) {
      throw new OmgError('invalid_request', `--context-size must be a whole number from 1, not "${this.contextSize}".`);
    }
    if (contextSize === undefined && this.keepAlive === undefined) {
      throw new OmgError('invalid_request', 'There is nothing to set: give --context-size or --keep-alive.');
    }
    const client = await session.daemon();
    await client.configure({ model: this.model, 'context-size': contextSize, keep_alive: this.keepAlive });
    if (printer.isJson)
      return printer.json({ model: this.model, context_size: contextSize, keep_alive: this.keepAlive });
    printer.status(`Configured ${this.model}.`);
  }
}
