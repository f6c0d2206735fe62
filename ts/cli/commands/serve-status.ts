import { Command } from 'clipanion';
import { type DaemonStatus, hostElsewhere } from '../../client/index.ts';
import type { Config } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { addressesForOthers } from '../addresses.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import { runningDaemon } from '../daemon-process.ts';
import type { Session } from '../session.ts';
import { formatElapsed } from '../terminal/units.ts';

export class ServeStatusCommand extends DataCommand {
  static override paths = [['serve', 'status'], ['status']];
  static override usage = Command.Usage({
    category: CATEGORY.daemon,
    description: 'Show whether the daemon runs, where, and which models it has loaded.',
    details: 'Exits with 3 when it does not run.',
    examples: [['The address', '$0 serve status --json | jq -r .url']],
  });

  protected override async run({ printer, config }: Session): Promise<number> {
    let status: DaemonStatus;
    try {
      status = await (await runningDaemon(config)).status();
    } catch (error) {
      if (!(error instanceof OmgError) || error.code !== 'daemon_not_running') throw error;
      if (printer.isJson) printer.json({ status: 'stopped' });
      else printer.line('The daemon is not running.');
      printer.hint('Start it with `omg serve -d`.');
      return error.exitCode;
    }
    if (printer.isJson) {
      printer.json(status);
      return 0;
    }
    printer.pairs('Daemon', [
      ['state', status.status],
      ['url', status.url],
      ...othersReach(config, status),
      ...(status.socket === undefined ? [] : [['socket', status.socket ?? 'none'] as [string, string]]),
      ['version', status.version],
      ...(status.pid === undefined ? [] : [['pid', String(status.pid)] as [string, string]]),
      ['up for', formatElapsed(status.uptime_seconds * 1000)],
      ...(status.data_dir === undefined ? [] : [['home', status.data_dir] as [string, string]]),
    ]);
    printer.line();
    printer.pairs('Models', [
      ['installed', String(status.models.installed)],
      ['loaded', status.models.running.join(', ') || 'none'],
      ['downloading', status.models.downloading.join(', ') || 'none'],
    ]);
    return 0;
  }
}

/** Known for a daemon of this machine only. */
function othersReach(config: Config, status: DaemonStatus): [string, string][] {
  const addresses = hostElsewhere(config) === undefined ? addressesForOthers(status) : [];
  return addresses.map((address) => ['for others', address]);
}
