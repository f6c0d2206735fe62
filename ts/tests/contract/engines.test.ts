import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;
const question = { model: 'tiny', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 8 };

beforeAll(async () => {
  served = await testDaemon({ env: { OMG_LLAMA_SERVER: '/nowhere/llama-server' } });
  await served.install('tiny');
});
afterAll(() => served.stop());

async function send(path: string, body: object): Promise<{ status: number; text: string }> {
  const reply = await fetch(`${served.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: reply.status, text: await reply.text() };
}

test('a request reaches the engine that it names, on every dialect, and no other one instead', async () => {
  const before = served.engine.loads.length;
  const paths = { '/v1/chat/completions': 503, '/v1/messages': 529, '/api/chat': 503 };
  for (const [path, expected] of Object.entries(paths)) {
    const { status, text } = await send(path, { ...question, engine: 'llama-server' });
    expect(status, path).toBe(expected);
    expect(text, path).toContain('/nowhere/llama-server');
  }
  const docker = await send('/engines/llama-server/v1/chat/completions', question);
  expect([docker.status, docker.text]).toEqual([503, expect.stringContaining('engine_unavailable')]);
  expect(served.engine.loads.length).toBe(before);
  for (const path of ['/engines/candle/v1/chat/completions', '/engines/llama.cpp/v1/chat/completions']) {
    expect((await send(path, question)).status, path).toBe(200);
  }
});

test('one that does not exist is refused', async () => {
  const reply = await send('/v1/chat/completions', { ...question, engine: 'vllm' });
  expect([reply.status, reply.text]).toEqual([400, expect.stringContaining('native, llama-server')]);
});

test('the setting of a model holds for later requests, and a request may say otherwise', async () => {
  await served.install('moved');
  const moved = { ...question, model: 'moved' };
  expect((await send('/engines/llama-server/_configure', { model: 'moved' })).status).toBe(202);
  expect((await send('/v1/chat/completions', moved)).status).toBe(503);
  expect((await send('/v1/chat/completions', { ...moved, engine: 'native' })).status).toBe(200);
  expect((await send('/engines/omg/_configure', { model: 'moved' })).status).toBe(202);
  expect((await send('/v1/chat/completions', moved)).status).toBe(200);
});
