import { afterEach, beforeEach, expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;
let home: string;

beforeEach(async () => {
  served = await testDaemon();
  ({ home } = served.config.paths);
  await served.install('tiny');
});
afterEach(() => served.stop());

const ROUTES: [string, object][] = [
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }] }],
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }], stream: true }],
  ['/v1/messages', { messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }],
  ['/v1/embeddings', { input: 'hi' }],
  ['/api/generate', { prompt: 'hi' }],
  ['/engines/v1/completions', { prompt: 'hi' }],
  ['/v1/plan', {}],
  ['/tokenize', { content: 'hi' }],
  ['/api/show', {}],
];

async function answers(): Promise<string[]> {
  return Promise.all(
    ROUTES.map(async ([path, body]) => {
      const init = { method: 'POST', body: JSON.stringify({ model: 'tiny', ...body }) };
      return (await fetch(served.url + path, init)).text();
    }),
  );
}

const notModel = (path: string) =>
  new OmgError('invalid_model_file', `${path}: not a GGUF file`, { hint: `Look at ${path}.` });

test.each([
  ['inspectError', 9],
  ['loadError', 6],
] as const)('%s names the file and not where it lies', async (kind, atLeast) => {
  await served.daemon.stop();
  served = await testDaemon({ home, script: (path) => ({ [kind]: notModel(path) }) });
  const texts = await answers();
  expect(texts.filter((text) => text.includes('.gguf: not a GGUF file')).length).toBeGreaterThanOrEqual(atLeast);
  expect(texts.filter((text) => text.includes(home))).toEqual([]);
});
