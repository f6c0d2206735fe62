import { existsSync, readFileSync } from 'node:fs';
import { defineConfig, type OutputBundle } from 'rolldown';
import { writeDeclarations } from './scripts/bundle/declarations.ts';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** Files that are started by path: the command, the child processes that run a model and render chat templates, the threads that parse large bodies; and what the package exports. */
const entries = {
  omg: 'ts/cli/main.ts',
  runner: 'ts/engine/runner/main.ts',
  'template-worker': 'ts/chat/template-worker.ts',
  'json-worker': 'ts/api/wire/json-worker.ts',
  sdk: 'ts/sdk/index.ts',
  'ai-sdk': 'ts/ai-sdk/index.ts',
};

/** A character that is escaped needlessly must not turn the escape into a backslash. */
function escaped(_: string, slashes: string, unit: string): string {
  const before = slashes.length % 2 === 0 ? slashes : slashes.slice(1);
  return `${before}\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

export default defineConfig({
  input: Object.fromEntries(Object.entries(entries).filter(([, path]) => existsSync(path))),
  platform: 'node',
  plugins: [
    { name: 'declarations', writeBundle: () => writeDeclarations() },
    {
      // One character beyond Latin-1 makes V8 keep the whole chunk in two bytes per character.
      name: 'latin1-source',
      // After minifying, which writes such characters plainly.
      generateBundle(_options: unknown, bundle: OutputBundle) {
        for (const chunk of Object.values(bundle)) {
          if (chunk.type === 'chunk') chunk.code = chunk.code.replace(/(\\*)([\u0100-\uffff])/g, escaped);
        }
      },
    },
    {
      // Fastify loads http2 (7 MB of the daemon's memory) for an option that is not used here.
      name: 'without-http2',
      resolveId: (id: string, importer?: string) =>
        id === 'node:http2' && importer?.includes('fastify') ? '\0without-http2' : undefined,
      load: (id: string) => (id === '\0without-http2' ? 'module.exports = {};' : undefined),
    },
  ],
  // Dependencies go into the bundle: one file of ink loads in a third of the time of its hundreds. These are optional in theirs.
  external: ['@ai-sdk/openai-compatible', 'bufferutil', 'react-devtools-core', 'utf-8-validate'],
  transform: {
    define: { __OMG_VERSION__: JSON.stringify(manifest.version), 'process.env.NODE_ENV': '"production"' },
  },
  output: {
    dir: 'dist',
    // The addon lies in dist/native, and a running daemon may still load chunks of an earlier bundle.
    cleanDir: false,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    // Less text to read and keep in memory; names stay, so that a stack trace in a bug report says something.
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    comments: { legal: true, annotation: false, jsdoc: false },
  },
});
