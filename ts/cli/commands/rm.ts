import { Command, Option } from 'clipanion';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

export class RmCommand extends DataCommand {
  static override paths = [['rm'], ['remove'], ['model', 'rm'], ['model', 'remove']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Remove models and free their disk space.',
    details:
      'Files that another model shares stay. Imported files that were linked are never deleted where they came from.',
    examples: [['Remove two models', '$0 rm qwen3:0.6b gemma3:1b']],
  });

  models = Option.Rest({ name: 'model', required: 1 });

  protected override async run(session: Session): Promise<void> {
    const { printer, signal } = session;
    const client = await session.daemon();
    const removed: string[] = [];
    let failure: OmgError | undefined;
    for (const model of this.models) {
      if (signal.aborted) break;
      try {
        await client.remove(model);
        removed.push(model);
        printer.status(`Removed ${model}.`);
      } catch (error) {
        if (failure !== undefined) printer.problem(failure);
        failure = OmgError.from(error);
      }
    }
    // One that cannot be removed keeps none of the others.
    if (failure !== undefined) throw failure;
    if (printer.isJson) printer.json({ removed });
  }
}
