import { serveTemplates } from './template-server.ts';

/** Entry of the process in which templates run. */
await serveTemplates(import.meta.url, async () => {
  const [{ runTask }, { loadRenderer }] = await Promise.all([
    import('./template-task.ts'),
    import('./template-runtime.ts'),
  ]);
  loadRenderer();
  return runTask;
});
