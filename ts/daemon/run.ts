import { type Daemon, type StartOptions, startDaemon } from './daemon.ts';
import { trimMemory } from './trim-memory.ts';

/** The first requests, which often follow the start at once, should not wait for it. */
const TRIM_AFTER_MS = 1500;

export interface RunOptions extends StartOptions {
  /** Called once it listens. */
  onStarted?: (daemon: Daemon) => void;
}

/** Runs a daemon in this process until a signal or a request stops it. A second signal ends the process at once. */
export async function runDaemon(options: RunOptions): Promise<void> {
  const daemon = await startDaemon(options);
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals > 1) process.exit(130);
    void daemon.stop();
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, onSignal);
  // A closed terminal must not end the daemon with an error of its own.
  process.stdout.on('error', () => {});
  try {
    options.onStarted?.(daemon);
    setTimeout(trimMemory, TRIM_AFTER_MS).unref();
    await daemon.stopped;
  } finally {
    for (const name of names) process.off(name, onSignal);
  }
}
