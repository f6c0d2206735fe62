import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await testDaemon({
    script: (path) => ({ reply: () => ['a', 'b', 'c'], tokenMs: path.includes('slow') ? 200 : 0 }),
  });
  await daemon.install('quick');
  await daemon.install('slow');
});
afterAll(() => daemon.stop());

interface Line {
  msg: string;
  [field: string]: unknown;
}

async function lines(): Promise<Line[]> {
  const text = await readFile(daemon.config.paths.logFile, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

async function lineOf(client: string): Promise<Line> {
  return vi.waitFor(
    async () => {
      const found = (await lines()).find((line) => line.msg === 'request' && line.client === client);
      expect(found).toBeDefined();
      return found as Line;
    },
    { timeout: 10_000 },
  );
}

function post(client: string, path: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${daemon.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': client },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

test.each([
  ['whole/1', '/v1/completions', { model: 'quick', prompt: 'hi' }, 3],
  ['streamed/1', '/v1/completions', { model: 'quick', prompt: 'hi', stream: true }, 3],
  ['choices/1', '/v1/completions', { model: 'quick', prompt: 'hi', n: 2 }, 6],
  ['ollama/1', '/api/generate', { model: 'quick', prompt: 'hi', raw: true }, 3],
])('%s: one line tells the request and what the model did', async (client, path, body, tokens) => {
  const reply = await post(client, path, body);
  await reply.text();
  expect(await lineOf(client)).toMatchObject({
    route: path,
    status: 200,
    model: 'quick:latest',
    outcome: 'ok',
    prompt_tokens: expect.any(Number),
    completion_tokens: tokens,
    ms: expect.any(Number),
  });
  expect((await lines()).filter(({ msg }) => msg === 'answered')).toEqual([]);
});

test('a request that no model was found for has no model in its line', async () => {
  await post('lost/1', '/v1/completions', { model: 'nothing', prompt: 'hi' });
  const line = await lineOf('lost/1');
  expect(line).toMatchObject({ status: 404 });
  expect(line).not.toHaveProperty('model');
});

test('who leaves early is told of as cancelled', async () => {
  const leaving = new AbortController();
  const reply = await post('gone/1', '/v1/completions', { model: 'slow', prompt: 'hi', stream: true }, leaving.signal);
  await reply.body?.getReader().read();
  leaving.abort();
  await lineOf('gone/1');
  await vi.waitFor(async () =>
    expect((await lines()).filter(({ outcome }) => outcome === 'cancelled')).toMatchObject([{ model: 'slow:latest' }]),
  );
});
