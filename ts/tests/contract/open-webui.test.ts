import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

/** The requests that Open WebUI sends on its Ollama and OpenAI connections, in the order of use (§11.1, §14.10). */
let served: TestDaemon;
beforeAll(async () => {
  served = await testDaemon({ script: { reply: 'The answer is 42.' } });
  await served.install('hf.co/microsoft/phi-2');
});
afterAll(() => served.stop());

const get = async (path: string) => (await fetch(served.url + path)).json() as Promise<Record<string, unknown>>;
const post = (path: string, body: object) =>
  fetch(served.url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });

test('the version int-parses in its dotted parts', async () => {
  const { version } = (await get('/api/version')) as { version: string };
  const parts = version.replace(/^v/, '').replace(/-.*$/, '').split('.').map(Number);
  expect(parts.length).toBeGreaterThanOrEqual(2);
  expect(parts.every(Number.isInteger)).toBe(true);
});

test('the model list has model and name, and chat finds the tagged name in it', async () => {
  const { models } = (await get('/api/tags')) as {
    models: { model: string; name: string; size: number; details: object }[];
  };
  const phi = models.find(({ model }) => model === 'microsoft/phi-2:latest');
  expect(phi).toMatchObject({
    name: 'microsoft/phi-2:latest',
    size: expect.any(Number),
    details: { families: expect.any(Array) },
  });
});

test('a chat with everything it sends: options, root fields that mean nothing, a stream of lines', async () => {
  const reply = await post('/api/chat', {
    model: 'microsoft/phi-2:latest',
    messages: [
      { role: 'system', content: 'Be short' },
      { role: 'user', content: 'Hi', images: [] },
    ],
    stream: true,
    format: '',
    keep_alive: '5m',
    metadata: { chat_id: 'x' },
    num_predict: 50,
    options: {
      temperature: 0.7,
      top_p: 0.9,
      num_keep: 4,
      num_batch: 512,
      num_gpu: 1,
      num_thread: 2,
      use_mmap: true,
      use_mlock: false,
      mirostat: 0,
      mirostat_eta: 0.1,
      repeat_last_n: 64,
      stop: ['END'],
    },
  });
  const lines = (await reply.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ message }) => message.content).join('')).toBe('The answer is 42.');
  expect(lines.at(-1)).toMatchObject({ done: true, eval_count: expect.any(Number), eval_duration: expect.any(Number) });
});

test('title, tags and follow-ups run beside the answer without another load', async () => {
  const loads = served.engine.loads.length;
  const tasks = await Promise.all(
    ['title', 'tags', 'follow-ups'].map((task) =>
      post('/api/chat', {
        model: 'microsoft/phi-2:latest',
        stream: false,
        max_tokens: 50,
        messages: [{ role: 'user', content: task }],
      }),
    ),
  );
  for (const task of tasks)
    expect(((await task.json()) as { message: { content: string } }).message.content).toBe('The answer is 42.');
  expect(served.engine.loads.length).toBe(loads);
});

test('unload is an empty prompt with keep_alive 0 and gives a JSON object', async () => {
  const reply = await post('/api/generate', { model: 'microsoft/phi-2:latest', keep_alive: 0, prompt: '' });
  expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(await reply.json()).toMatchObject({ done: true, done_reason: 'unload' });
  expect((await get('/api/ps')).models).toEqual([]);
});

test('manage: pull by name with insecure, an unknown repository as an error line, delete with a body', async () => {
  const pulled = await post('/api/pull', { name: 'owner/missing', insecure: true });
  expect(pulled.status).toBe(200);
  expect(
    (await pulled.text())
      .trimEnd()
      .split('\n')
      .map((line) => Object.keys(JSON.parse(line))[0]),
  ).toEqual(['status', 'error']);
  const whole = await post('/api/pull', { name: 'owner/missing', stream: false });
  expect(whole.status).toBe(502);
});

test('the OpenAI connection: list, chat with include_usage, an error body with a message', async () => {
  expect(await get('/v1/models')).toMatchObject({
    object: 'list',
    data: expect.arrayContaining([expect.objectContaining({ id: 'microsoft/phi-2' })]),
  });
  const reply = await post('/v1/chat/completions', {
    model: 'microsoft/phi-2',
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'Hi' }],
  });
  expect(await reply.text()).toMatch(/"usage":\{"prompt_tokens":\d+.*\n\ndata: \[DONE\]\n\n$/s);
  const error = (await (
    await post('/v1/chat/completions', { model: 'gone', messages: [{ role: 'user', content: 'x' }] })
  ).json()) as { error: { message: string } };
  expect(error.error.message).toContain('gone');
});
