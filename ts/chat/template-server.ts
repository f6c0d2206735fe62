import process from 'node:process';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import type { TaskResult, TemplateTask } from './template-task.ts';
import { type Watched, watchProcess } from './watch-process.ts';

/**
 * What the entry of a process for templates does: it is started as `entry <resident bytes>` and with an IPC channel, and once more in a thread
 * that watches it. Tasks come one by one; each gets one answer.
 * @param entry the address of the file that calls this.
 * @param load gives what answers a task. Where it throws, the process ends, which is not the fault of any template.
 */
export async function serveTemplates(
  entry: string,
  load: () => Promise<(task: TemplateTask) => TaskResult>,
): Promise<void> {
  if (!isMainThread) return watchProcess(workerData as Watched);
  const run = await load();
  const turns = new Int32Array(new SharedArrayBuffer(4));
  const watched: Watched = { parent: process.ppid, residentBytes: Number(process.argv[2]), turns };
  const watcher = new Worker(new URL(entry), { workerData: watched });
  watcher.unref();
  // Without its watcher nothing here is bounded.
  watcher.on('error', () => process.exit(1));
  process.on('disconnect', () => process.exit(0));
  // Ctrl-C on a terminal reaches the whole group; the daemon decides when a template ends.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('message', (task: TemplateTask) => {
    Atomics.add(turns, 0, 1);
    const result = run(task);
    Atomics.add(turns, 0, 1);
    process.send?.(result, undefined, undefined, () => {});
  });
  watcher.on('online', () => process.send?.('ready', undefined, undefined, () => {}));
}
