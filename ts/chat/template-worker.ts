import process from 'node:process';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import type { TemplateTask } from './template-task.ts';
import { type Watched, watchProcess } from './watch-process.ts';

/** Entry of the process in which templates run: `template-worker <resident bytes>`. Tasks come one by one; each gets one answer. */
async function main(residentBytes: number): Promise<void> {
  const { runTask } = await import('./template-task.ts');
  const { loadRenderer } = await import('./template-runtime.ts');
  // Without it the process ends here, which is not the fault of any template.
  loadRenderer();
  const turns = new Int32Array(new SharedArrayBuffer(4));
  const watched: Watched = { parent: process.ppid, residentBytes, turns };
  const watcher = new Worker(new URL(import.meta.url), { workerData: watched });
  watcher.unref();
  // Without its watcher nothing here is bounded.
  watcher.on('error', () => process.exit(1));
  process.on('disconnect', () => process.exit(0));
  // Ctrl-C on a terminal reaches the whole group; the daemon decides when a template ends.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('message', (task: TemplateTask) => {
    Atomics.add(turns, 0, 1);
    const result = runTask(task);
    Atomics.add(turns, 0, 1);
    process.send?.(result, undefined, undefined, () => {});
  });
  watcher.on('online', () => process.send?.('ready', undefined, undefined, () => {}));
}

if (isMainThread) await main(Number(process.argv[2]));
else watchProcess(workerData as Watched);
