import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJson } from './read-json.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

/** What each surface does with a prompt over the window (§5.4, §14.13). The stand-in counts words. */
let served: TestDaemon;
const WINDOW = 40;
beforeAll(async () => {
  served = await testDaemon({ script: { reply: 'fine', contextLength: WINDOW } });
  await served.install('tiny');
});
afterAll(() => served.stop());

const words = (count: number) => Array.from({ length: count }, (_, index) => `w${index}`).join(' ');
const post = (path: string, body: object) =>
  fetch(served.url + path, { method: 'POST', body: JSON.stringify({ model: 'tiny', ...body }) });
const turns = [
  { role: 'system', content: 'rule' },
  { role: 'user', content: words(30) },
  { role: 'assistant', content: words(15) },
  { role: 'user', content: 'last question' },
];
const long = [{ role: 'user', content: words(100) }];

test('/api/chat drops whole oldest turns, says so, and counts what it really sent', async () => {
  const reply = await post('/api/chat', { messages: turns, stream: false });
  const body = (await reply.json()) as { truncated: boolean; prompt_tokens_dropped: number; prompt_eval_count: number };
  expect([reply.status, reply.headers.get('x-omg-truncated')]).toEqual([200, 'messages=2']);
  expect(body).toMatchObject({ truncated: true, prompt_tokens_dropped: expect.any(Number) });
  const sent = served.engine.generations.at(-1)?.promptText ?? '';
  expect(sent).toContain('rule');
  expect(sent).toContain('last question');
  expect(sent).not.toContain('w19');
  const segments = served.engine.generations.at(-1)?.request.prompt ?? [];
  const counted = segments.flatMap((segment) => (segment.kind === 'text' ? segment.text.match(/\s*\S+|\s+$/g) : []));
  expect(body.prompt_eval_count).toBe(counted.length);
});

test('/api/chat with truncate:false, or a last turn that is too long alone, is 400 with "context length"', async () => {
  for (const body of [{ messages: turns, truncate: false }, { messages: long }]) {
    const reply = await post('/api/chat', body);
    expect([reply.status, (await readJson(reply)).error]).toEqual([400, expect.stringContaining('context length')]);
  }
});

test('/api/generate never cuts a prompt, raw or not', async () => {
  for (const raw of [true, false]) {
    const reply = await post('/api/generate', { prompt: words(100), raw });
    expect([reply.status, (await readJson(reply)).error]).toEqual([400, expect.stringContaining('context length')]);
  }
});

test.each([
  ['/v1/chat/completions', { messages: turns }],
  ['/v1/chat/completions', { messages: long, stream: true }],
  ['/v1/completions', { prompt: words(100) }],
  ['/v1/responses', { input: turns }],
])('%s is 400 with its code and both numbers', async (path, body) => {
  const reply = await post(path, body);
  const { error } = await readJson(reply);
  expect([reply.status, error.code, error.type]).toEqual([400, 'context_length_exceeded', 'invalid_request_error']);
  expect(error.message).toContain(`maximum context length is ${WINDOW} tokens`);
});

test('an answer that fills the window ends with length', async () => {
  const reply = await post('/v1/completions', { prompt: words(WINDOW - 1), max_tokens: 50 });
  expect(((await reply.json()) as { choices: object[] }).choices).toMatchObject([{ finish_reason: 'length' }]);
});
