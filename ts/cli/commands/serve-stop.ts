import { Command } from 'clipanion';
import { CATEGORY, DataCommand } from '../command.ts';
import { stopDaemon } from '../daemon-process.ts';
import type { Session } from '../session.ts';

export class ServeStopCommand extends DataCommand {
  static override paths = [['serve', 'stop']];
  static override usage = Command.Usage({
    category: CATEGORY.daemon,
    description: 'Stop the daemon, and wait until it is gone.',
    details: 'Answers under way are finished first. Exits with 3 when none runs.',
  });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    await stopDaemon(session);
    if (printer.isJson) printer.json({ status: 'stopped' });
    printer.status('Stopped the daemon.');
  }
}
