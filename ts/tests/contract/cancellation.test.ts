import { request as httpRequest } from 'node:http';
import { afterEach, expect, test, vi } from 'vitest';
import { readJson } from './read-json.ts';
import { type TestDaemon, type TestDaemonOptions, testDaemon } from './serve.ts';

let served: TestDaemon;
afterEach(() => served.stop());

async function serve(options: TestDaemonOptions): Promise<void> {
  served = await testDaemon(options);
  await served.install('tiny');
}

/** Sends a request and closes its socket when `until` is true of what has arrived. */
function cutOff(path: string, body: object, until: (text: string) => boolean | Promise<boolean>): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(served.url + path, { method: 'POST' });
    let text = '';
    let done = false;
    const check = async (): Promise<void> => {
      if (done || !(await until(text))) return;
      done = true;
      clearInterval(timer);
      request.destroy();
      resolve();
    };
    const timer = setInterval(() => void check(), 5);
    request.on('response', (response) =>
      response.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', () => {}),
    );
    request.on('error', (error) => (done ? undefined : reject(error)));
    request.end(JSON.stringify(body));
  });
}

const words = Array.from({ length: 500 }, (_, index) => ` w${index}`).join('');
const chat = (stream: boolean) => ({
  model: 'tiny',
  messages: [{ role: 'user', content: 'Hi' }],
  input: 'Hi',
  max_tokens: 1000,
  stream,
});
const PATHS = ['/api/chat', '/v1/chat/completions', '/v1/responses', '/v1/messages'];

test.each(PATHS)('%s: leaving at the third token stops the engine within 200 ms (§14.4)', async (path) => {
  await serve({ script: { reply: words, tokenMs: 5 } });
  await cutOff(path, chat(true), (text) => text.includes('w2'));
  await vi.waitFor(() => expect(served.engine.generations[0]?.state).toBe('cancelled'), { timeout: 200, interval: 5 });
});

test.each(PATHS)('%s: leaving during the prompt stops the engine, also without streaming (§14.4)', async (path) => {
  await serve({ script: { reply: words, prefillMs: 60_000 } });
  for (const [index, stream] of [true, false].entries()) {
    await cutOff(path, chat(stream), () => served.engine.generations[index]?.state === 'prefill');
    await vi.waitFor(() => expect(served.engine.generations[index]?.state).toBe('cancelled'), {
      timeout: 200,
      interval: 5,
    });
  }
});

test('the next request starts when the one before it is cancelled (§14.4)', async () => {
  let first = true;
  await serve({
    script: () => ({ reply: 'next', prefillMs: first ? 60_000 : 0 }),
    env: { OMG_NUM_PARALLEL: '1' },
  });
  let next: Promise<Response> | undefined;
  await cutOff('/api/chat', chat(true), () => {
    if (served.engine.generations.length === 0) return false;
    next ??= fetch(`${served.url}/api/chat`, { method: 'POST', body: JSON.stringify(chat(false)) });
    first = false;
    return true;
  });
  // The stand-in reads its script when the model is loaded, so the second answer is slow to come; it must have begun.
  await vi.waitFor(() => expect(served.engine.generations.length).toBe(2), { timeout: 1000 });
  expect(served.engine.generations[0]?.state).toBe('cancelled');
  next?.catch(() => {});
});

test('a full queue answers 503 with "busy" and Retry-After, and lists stay quick (§14.5)', async () => {
  await serve({ script: { reply: words, prefillMs: 60_000 }, env: { OMG_NUM_PARALLEL: '1', OMG_MAX_QUEUE: '1' } });
  const controller = new AbortController();
  const waiting = [1, 2].map(() =>
    fetch(`${served.url}/api/chat`, {
      method: 'POST',
      body: JSON.stringify(chat(false)),
      signal: controller.signal,
    }).catch(() => {}),
  );
  await vi.waitFor(async () => expect((await served.client.model('tiny')).runtime?.queued_requests).toBe(1), {
    timeout: 2000,
  });
  const ollama = await fetch(`${served.url}/api/chat`, { method: 'POST', body: JSON.stringify(chat(true)) });
  expect([ollama.status, ollama.headers.get('retry-after')]).toEqual([503, '1']);
  expect((await readJson(ollama)).error).toContain('busy');
  const openAi = await fetch(`${served.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(chat(true)) });
  expect([openAi.status, (await readJson(openAi)).error]).toMatchObject([
    503,
    { type: 'api_error', code: 'server_busy' },
  ]);
  const began = performance.now();
  expect((await fetch(`${served.url}/api/tags`)).status).toBe(200);
  expect((await fetch(`${served.url}/health`)).status).toBe(200);
  expect(performance.now() - began).toBeLessThan(200);
  controller.abort();
  await Promise.all(waiting);
});
