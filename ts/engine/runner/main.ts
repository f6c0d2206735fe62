import process from 'node:process';
import { OmgError } from '../../errors/index.ts';
import { loadAddon } from '../native/index.ts';
import type { FromRunner, ToRunner } from './protocol.ts';
import { RunnerServer } from './serve.ts';

/** Entry of a runner process: `runner <addon file>`, started by the daemon with an IPC channel. */
function main(addonFile: string | undefined): void {
  const send = (message: FromRunner): void => {
    // A channel that is gone means that the daemon is gone, and the handler below ends this process.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  };
  // However the daemon ends, its end of the channel closes. The addon may be in the middle of a step and its threads must not hold
  // the process up, so it ends the hard way.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // Ctrl-C on a terminal reaches the whole group; it is the daemon's to decide when a runner ends.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});

  let server: RunnerServer | undefined;
  let unavailable: OmgError | undefined;
  try {
    const addon = loadAddon(addonFile ?? '');
    addon.dieWithParent?.();
    server = new RunnerServer(addon, send);
  } catch (error) {
    unavailable = OmgError.from(error);
  }
  process.on('message', (message: ToRunner) => {
    if (server !== undefined) void server.receive(message);
    else if (unavailable !== undefined) send({ id: message.id, error: unavailable.toData() });
  });
}

main(process.argv[2]);
