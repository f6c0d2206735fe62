import { Command, Option } from 'clipanion';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

export class StopCommand extends DataCommand {
  static override paths = [['stop'], ['model', 'stop']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Take models out of memory.',
    details:
      'Answers under way are finished first. The model stays installed, and loads again when it is asked something.',
    examples: [['Free the memory of a model', '$0 stop demo']],
  });

  models = Option.Rest({ name: 'model', required: 1 });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const client = await session.daemon();
    const results = [];
    for (const model of this.models) {
      const { stopped } = await client.stop(model);
      results.push({ model, stopped });
      printer.status(stopped ? `Stopped ${model}.` : `${model} was not loaded.`);
    }
    if (printer.isJson) printer.json(results);
  }
}
