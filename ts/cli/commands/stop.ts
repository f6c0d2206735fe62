import { Command, Option } from 'clipanion';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

export class StopCommand extends DataCommand {
  static override paths = [['stop'], ['model', 'stop']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Unload models.',
    details:
      'Answers under way are finished first, or cancelled after `--timeout`. The model stays installed, and loads again when it is asked something.',
    examples: [
      ['Free the memory of a model', '$0 stop demo'],
      ['Now, whatever it is doing', '$0 stop demo --timeout 0'],
    ],
  });

  timeout = Option.String('--timeout', { description: 'Cancel answers still under way after this time.' });
  models = Option.Rest({ name: 'model', required: 1 });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const timeout = this.timeout === undefined ? undefined : Number(this.timeout);
    if (timeout !== undefined && !(timeout >= 0 && timeout < 1e6)) {
      throw new OmgError('invalid_request', `--timeout ${this.timeout} is not a number of seconds.`);
    }
    const client = await session.daemon();
    const results = [];
    for (const model of this.models) {
      const { stopped } = await client.stop(model, timeout);
      results.push({ model, stopped });
      printer.status(stopped ? `Stopped ${model}.` : `${model} was not loaded.`);
    }
    if (printer.isJson) printer.json(results);
  }
}
