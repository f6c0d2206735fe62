import { Command } from 'clipanion';
import type { ModelEntry } from '../../client/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';
import { formatBytes } from '../terminal/units.ts';

export class DfCommand extends DataCommand {
  static override paths = [['df'], ['model', 'df']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Show the disk space used by models.',
    details: 'A file that several models share is counted once. Unused is what `omg gc` deletes.',
  });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const client = await session.daemon();
    const [models, unused] = await Promise.all([client.list(), client.gc({ dryRun: true })]);
    const rows = [
      { what: 'models', count: models.length, bytes: distinctBytes(models) },
      { what: 'unused', count: unused.removed.length, bytes: unused.freed_bytes },
    ];
    if (printer.isJson) return printer.json(rows);
    printer.table(
      [{ title: 'WHAT' }, { title: 'COUNT', align: 'right' }, { title: 'SIZE', align: 'right' }],
      rows.map(({ what, count, bytes }) => [what, String(count), formatBytes(bytes)]),
    );
  }
}

function distinctBytes(models: ModelEntry[]): number {
  const files = new Map(
    models.flatMap(({ files }) => files.map(({ sha256, size }): [string, number] => [sha256, size])),
  );
  return [...files.values()].reduce((sum, size) => sum + size, 0);
}
