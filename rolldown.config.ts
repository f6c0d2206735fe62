import { existsSync, readFileSync } from 'node:fs';
import { defineConfig } from 'rolldown';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** Files that are started by path: the command, the child process that runs a model, the thread that renders chat templates. */
const entries = {
  omg: 'ts/cli/main.ts',
  runner: 'ts/engine/runner/main.ts',
  'template-worker': 'ts/chat/template-worker.ts',
};

export default defineConfig({
  input: Object.fromEntries(Object.entries(entries).filter(([, path]) => existsSync(path))),
  platform: 'node',
  // Small packages that every command needs go into the bundle; the rest is loaded by the commands that use it.
  external: (id) => !/^[./]/.test(id) && !/^(?:clipanion|typanion)(?:\/|$)/.test(id) && !id.startsWith('/'),
  transform: { define: { __OMG_VERSION__: JSON.stringify(manifest.version) } },
  output: {
    dir: 'dist',
    cleanDir: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    comments: { legal: true, annotation: false, jsdoc: false },
  },
});
