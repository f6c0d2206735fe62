import { type Daemon, type StartOptions, startDaemon } from './daemon.ts';
import { type IdleTrim, trimWhenIdle } from './trim-memory.ts';

export interface RunOptions extends Omit<StartOptions, 'onResponse'> {
  /** Called once it listens. */
  onStarted?: (daemon: Daemon) => void;
}

/** Runs a daemon in this process until a signal or a request stops it. A second signal ends the process at once. */
export async function runDaemon(options: RunOptions): Promise<void> {
  let trim: IdleTrim | undefined;
  const daemon = await startDaemon({ ...options, onResponse: () => trim?.touch() });
  trim = trimWhenIdle(() => daemon.isBusy());
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals > 1) process.exit(130);
    void daemon.stop();
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
  } finally {
    trim.stop();
    for (const name of names) process.off(name, onSignal);
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtException', onException);
  }
}
