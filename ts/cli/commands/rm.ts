import { Command, Option } from 'clipanion';
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
    const client = await session.daemon();
    for (const model of this.models) {
      await client.remove(model);
      session.printer.status(`Removed ${model}.`);
    }
    if (session.printer.isJson) session.printer.json({ removed: this.models });
  }
}
