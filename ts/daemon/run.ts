import { type Daemon, startDaemon } from './daemon.ts';
import { endProcess, killAfter } from './last-resort.ts';
import type { StartOptions } from './options.ts';
import { type IdleTrim, trimWhenIdle } from './trim-memory.ts';

export interface RunOptions extends Omit<StartOptions, 'onResponse'> {
  /** Called once it listens. */
  onStarted?: (daemon: Daemon) => void;
}

/** Beyond the time that answers have to finish. Whatever hangs by then (a disk, a driver) hangs for ever. */
const STOP_GRACE_MS = 10_000;
/** From the end of the daemon to that of its process. */
const EXIT_GRACE_MS = 3_000;

/**
 * Runs a daemon in this process until a signal or a request stops it. A second signal ends the process at once, and so does a stop that takes
 * too long, even where a thread of the process is stuck.
 */
export async function runDaemon(options: RunOptions): Promise<void> {
  let trim: IdleTrim | undefined;
  const { settings } = options.config;
  const daemon = await startDaemon({
    ...options,
    onResponse: () => trim?.touch(),
    onStopping: () => killAfter(settings['server.drain_timeout'] + STOP_GRACE_MS),
  });
  trim = trimWhenIdle(() => daemon.isBusy());
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals > 1) endProcess(130);
    else void daemon.stop();
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, onSignal);
  // One broken request must not end the answers of all others; what is unexpected stands in the log.
  const onRejection = (error: unknown): void => daemon.log.error({ err: error }, 'unexpected rejection');
  const onException = (error: unknown): void => {
    daemon.log.error({ err: error }, 'unexpected exception');
    process.exitCode = 1;
    void daemon.stop();
  };
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onException);
  // A closed terminal must not end the daemon with an error of its own.
  process.stdout.on('error', () => {});
  try {
    options.onStarted?.(daemon);
    await daemon.stopped;
    // What still runs keeps the process from ending by itself, and may never end.
    killAfter(EXIT_GRACE_MS);
  } finally {
    trim.stop();
    for (const name of names) process.off(name, onSignal);
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtException', onException);
  }
}
