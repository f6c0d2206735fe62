import process from 'node:process';

export interface Watched {
  /** The process id of the daemon. */
  parent: number;
  /** More memory than this ends the process. */
  residentBytes: number;
  /** One number that grows when a task begins and when it ends, so that it is odd in between. */
  turns: Int32Array;
}

const TICK_MS = 100;
/** The daemon ends a task long before; this is for a daemon that cannot. */
const LONGEST_TASK_MS = 30_000;

/**
 * Ends its own process when that takes too much memory, when a task does not end, or when the daemon is gone. It runs in a thread beside
 * the templates, because a template that loops never gives back its own. V8's limit on its heap is the first bound; this one also
 * counts what lies outside of the heap, on every platform.
 */
export function watchProcess({ parent, residentBytes, turns }: Watched): void {
  let turn = 0;
  let ticks = 0;
  setInterval(() => {
    const current = Atomics.load(turns, 0);
    ticks = current === turn && current % 2 === 1 ? ticks + 1 : 0;
    turn = current;
    const over = process.memoryUsage.rss() > residentBytes || ticks * TICK_MS > LONGEST_TASK_MS;
    if (over || process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  }, TICK_MS);
}
