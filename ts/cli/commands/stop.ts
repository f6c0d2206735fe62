import { Command, Option } from 'clipanion';
import type { Client } from '../../client/index.ts';
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
  all = Option.Boolean('--all', false, { description: 'Unload all that are loaded.' });
  models = Option.Rest({ name: 'model' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const timeout = this.timeout === undefined ? undefined : Number(this.timeout);
    if (timeout !== undefined && !(timeout >= 0 && timeout < 1e6)) {
      throw new OmgError('invalid_request', `--timeout ${this.timeout} is not a number of seconds.`);
    }
    if (this.all === this.models.length > 0) {
      throw new OmgError('invalid_request', this.all ? '--all takes no MODEL.' : 'Missing MODEL, or --all.');
    }
    const client = await session.daemon();
    const models = this.all ? await loadedModels(client) : this.models;
    if (this.all && models.length === 0) printer.status('No model is loaded.');
    const results = [];
    for (const model of models) {
      const { stopped } = await client.stop(model, timeout);
      results.push({ model, stopped });
      printer.status(stopped ? `Stopped ${model}.` : `${model} was not loaded.`);
    }
    if (printer.isJson) printer.json(results);
  }
}

async function loadedModels(client: Client): Promise<string[]> {
  return (await client.list()).filter(({ runtime }) => runtime !== undefined).map(({ name }) => name);
}
