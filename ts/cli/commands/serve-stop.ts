import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'clipanion';
import { Client } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

const POLL_MS = 50;
/** Over the daemon's own time for letting answers finish. */
const GRACE_MS = 15_000;

export class ServeStopCommand extends DataCommand {
  static override paths = [['serve', 'stop']];
  static override usage = Command.Usage({
    category: CATEGORY.daemon,
    description: 'Stop the daemon, and wait until it is gone.',
    details: 'Answers under way are finished first. Exits with 3 when none runs.',
  });

  protected override async run(session: Session): Promise<void> {
    const { printer, config } = session;
    await stopDaemon(session, config.settings['server.drain_timeout'] + GRACE_MS);
    if (printer.isJson) printer.json({ status: 'stopped' });
    printer.status('Stopped the daemon.');
  }
}

/** Asks the daemon to stop and resolves when its process is gone. */
export async function stopDaemon({ config, signal }: Session, timeoutMs: number): Promise<void> {
  const client = Client.of(config);
  const { pid } = await client.status();
  await client.shutdown();
  const deadline = Date.now() + timeoutMs;
  while (isRunning(pid)) {
    if (Date.now() > deadline) {
      throw new OmgError(
        'conflict',
        `The daemon (pid ${pid}) has not stopped within ${Math.round(timeoutMs / 1000)} seconds.`,
        {
          hint: 'See `omg logs`.',
        },
      );
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
