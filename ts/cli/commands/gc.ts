import { Command, Option } from 'clipanion';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';
import { formatBytes } from '../terminal/units.ts';

export class GcCommand extends DataCommand {
  static override paths = [['gc'], ['model', 'gc']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Delete files that no model uses.',
    details:
      'Unreferenced files of the store, and downloads that have lain unfinished for a day. Installed models are never touched.',
    examples: [
      ['See what would go', '$0 gc --dry-run'],
      ['Unfinished downloads as well', '$0 gc --partial'],
    ],
  });

  dryRun = Option.Boolean('--dry-run', false, { description: 'Only say what would be deleted.' });
  partial = Option.Boolean('--partial', false, { description: 'Delete unfinished downloads of today, too.' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const reply = await (await session.daemon()).gc({ dryRun: this.dryRun, partial: this.partial });
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
    const { count, bytes } = reply.unfinished;
    if (count === 0) return;
    printer.status(`Kept ${count} unfinished ${count === 1 ? 'download' : 'downloads'}, ${formatBytes(bytes)}.`);
    printer.hint('Pull the model again to go on, or delete what has come with `omg gc --partial`.');
  }
}
