import { Command, Option } from 'clipanion';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';
import { formatBytes } from '../terminal/units.ts';

export class GcCommand extends DataCommand {
  static override paths = [['gc'], ['model', 'gc']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Delete files that no model uses.',
    details: 'Unreferenced files of the store and stale partial downloads. Installed models are never touched.',
    examples: [['See what would go', '$0 gc --dry-run']],
  });

  dryRun = Option.Boolean('--dry-run', false, { description: 'Only say what would be deleted.' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const reply = await (await session.daemon()).gc(this.dryRun);
    if (printer.isJson) return printer.json(reply);
    for (const { path, size } of reply.removed) printer.line(`${path}   ${formatBytes(size)}`);
    const what = `${reply.removed.length} ${reply.removed.length === 1 ? 'file' : 'files'}, ${formatBytes(reply.freed_bytes)}`;
    printer.status(
      reply.removed.length === 0
        ? 'There is nothing to delete.'
        : this.dryRun
          ? `Would delete ${what}.`
          : `Deleted ${what}.`,
    );
  }
}
