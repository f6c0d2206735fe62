import { Command } from 'clipanion';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';
import { version } from '../version.ts';

export class VersionCommand extends DataCommand {
  static override paths = [['version']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Print the version of omg.',
    details: '`omg --version` and `omg -v` do the same.',
  });

  protected override async run({ printer }: Session): Promise<void> {
    if (printer.isJson) return printer.json({ version: version() });
    printer.line(version());
  }
}
