import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readJson } from './read-json.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;

beforeEach(async () => {
  served = await testDaemon({ script: (path) => ({ reply: 'hello there', tokenMs: path.includes('slow') ? 600 : 0 }) });
  await served.install('tiny');
});
afterEach(() => served.stop());

const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  fetch(served.url + path, { method, body: body === undefined ? undefined : JSON.stringify(body), headers });
const get = async (path: string) => (await (await send('GET', path)).json()) as unknown;
const question = { model: 'tiny', messages: [{ role: 'user', content: 'hi' }] };

interface Completion {
  choices: { message: { content: string }; text?: string }[];
}

test('inference answers below /engines, with and without a backend, and below the socket prefix (§9)', async () => {
  const paths = [
    '/engines/v1',
    '/exp/vDD4.40/engines/v1',
    '/engines/llama.cpp/v1',
    '/engines/candle/v1',
    '/engines/omg/v1',
  ];
  for (const path of [...paths, '/engines/vllm/v1', '/engines/mlx//v1']) {
    const reply = (await (await send('POST', `${path}/chat/completions`, question)).json()) as Completion;
    expect(reply.choices[0]?.message.content, path).toBe('hello there');
  }
  const streamed = await send('POST', '/engines/v1/chat/completions', { ...question, stream: true });
  expect(streamed.headers.get('content-type')).toBe('text/event-stream');
  expect(await streamed.text()).toMatch(/data: \[DONE\]\n\n$/);
  const raw = (await (
    await send('POST', '/engines/v1/completions', { model: 'tiny', prompt: 'x' })
  ).json()) as Completion;
  expect(raw.choices[0]?.text).toBe('hello there');
});

test('an unknown backend is 404; errors of inference are those of OpenAI', async () => {
  const unknown = await send('POST', '/engines/tgi/v1/chat/completions', question);
  expect([unknown.status, (await readJson(unknown)).error.message]).toEqual([404, 'backend not found']);
  const missing = await send('POST', '/engines/v1/chat/completions', { ...question, model: 'nope' });
  expect([missing.status, (await readJson(missing)).error.code]).toEqual([404, 'model_not_found']);
  const wrong = await send('POST', '/engines/tgi/_configure', { model: 'tiny' });
  expect([wrong.status, await wrong.text()]).toEqual([404, 'backend not found\n']);
});

test('X-Preload-Only loads and answers nothing', async () => {
  const reply = await send('POST', '/engines/v1/chat/completions', question, { 'x-preload-only': 'true' });
  expect([reply.status, await reply.text()]).toEqual([200, '']);
  expect(served.engine.generations).toEqual([]);
  expect(await get('/engines/ps')).toEqual([
    {
      backend_name: 'candle',
      model_name: 'tiny:latest',
      mode: 'completion',
      last_used: expect.stringMatching(/Z$/),
      keep_alive: '5m',
    },
  ]);
  expect((await send('POST', '/engines/v1/chat/completions', {}, { 'x-preload-only': 'true' })).status).toBe(400);
});

test('models below /engines belong to docker', async () => {
  const list = (await get('/engines/v1/models')) as { object: string; data: { id: string; owned_by: string }[] };
  expect(list.object).toBe('list');
  expect(list.data.find(({ id }) => id === 'tiny')).toMatchObject({
    owned_by: 'docker',
    dmr: { architecture: 'llama' },
  });
  expect(await get('/engines/llama.cpp/v1/models/tiny')).toMatchObject({ id: 'tiny', owned_by: 'docker' });
  expect((await send('DELETE', '/engines/v1/models/tiny')).status).toBe(405);
  expect(await get('/v1/models/tiny')).toMatchObject({ owned_by: 'library' });
});

test('configure answers at once, loads behind, and holds for later requests', async () => {
  const reply = await send('POST', '/engines/llama.cpp/_configure', {
    model: 'tiny',
    'context-size': 512,
    keep_alive: '1h',
  });
  expect([reply.status, await reply.text()]).toEqual([202, '']);
  await expect.poll(() => served.engine.loads.map(({ contextLength }) => contextLength)).toEqual([512]);
  await expect.poll(() => get('/engines/ps')).toMatchObject([{ keep_alive: '1h' }]);
  const [{ ModelID: id, ...configured } = { ModelID: '' }] = (await get('/engines/_configure?model=tiny')) as {
    ModelID: string;
  }[];
  expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(configured).toEqual({
    Backend: 'llama.cpp',
    Model: 'tiny:latest',
    Mode: 'completion',
    Config: { 'context-size': 512, keep_alive: '1h' },
  });
  expect(await (await send('POST', '/engines/unload', { all: true })).json()).toEqual({ unloaded_runners: 1 });
  await send('POST', '/engines/v1/chat/completions', question);
  expect(served.engine.loads.map(({ contextLength }) => contextLength)).toEqual([512, 512]);
  expect(await get('/engines/ps')).toMatchObject([{ keep_alive: '1h' }]);
});

test('a configuration holds on every API, and for later daemons', async () => {
  const { home } = served.config.paths;
  const other = { ...question, model: 'other' };
  await served.install('other');
  for (const model of ['tiny', 'other']) {
    const reply = await send('POST', '/engines/_configure', { model, 'context-size': 512, keep_alive: '-1' });
    expect([reply.status, await reply.text()]).toEqual([202, '']);
  }
  const before = await get('/engines/_configure');
  expect(before).toHaveLength(2);
  await served.daemon.stop();
  served = await testDaemon({ home });
  expect(await get('/engines/_configure')).toEqual(before);
  expect((await send('POST', '/v1/chat/completions', question)).status).toBe(200);
  expect(served.engine.loads.map(({ contextLength }) => contextLength)).toEqual([512]);
  expect(await get('/engines/ps')).toMatchObject([{ model_name: 'tiny:latest', keep_alive: '-1' }]);
  await send('POST', '/engines/unload', { all: true });
  await send('POST', '/api/chat', { ...other, options: { num_ctx: 600 } });
  expect(served.engine.loads.at(-1)?.contextLength).toBe(600);
});

test('a file of configurations that is not understood is left alone and told', async () => {
  const { home } = served.config.paths;
  const file = join(home, 'configurations.json');
  for (const text of ['{"models": {"tiny": {}}}', '{', '[]']) {
    await served.daemon.stop();
    await writeFile(file, text);
    served = await testDaemon({ home });
    expect(await get('/engines/_configure')).toEqual([]);
    const refused = await send('POST', '/engines/_configure', { model: 'tiny', keep_alive: '1h' });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('configurations.json')]);
    expect((await send('POST', '/engines/v1/chat/completions', question)).status).toBe(200);
    expect(await readFile(file, 'utf8')).toBe(text);
  }
});

test('configure refuses what it would ignore', async () => {
  const cases: [object, RegExp][] = [
    [{}, /^model is required\n$/],
    [{ model: 'tiny', keep_alive: 300 }, /keep_alive/],
    [{ model: 'tiny', keep_alive: 'soon' }, /keep_alive/],
    [{ model: 'tiny', 'runtime-flags': ['--ngl', '1'] }, /runtime-flags/],
    [{ model: 'tiny', speculative: { draft_model: 'x' } }, /speculative/],
    [{ model: 'tiny', mode: 'image-generation' }, /mode/],
  ];
  for (const [body, text] of cases) {
    const reply = await send('POST', '/engines/_configure', body);
    expect([reply.status, reply.headers.get('content-type')], JSON.stringify(body)).toEqual([
      400,
      'text/plain; charset=utf-8',
    ]);
    expect(await reply.text()).toMatch(text);
  }
  expect((await send('POST', '/engines/_configure', { model: 'nope' })).status).toBe(404);
  expect(served.engine.loads).toEqual([]);
});

test('a model that answers is not configured and not unloaded', async () => {
  await served.install('slow');
  const answer = send('POST', '/engines/v1/chat/completions', { ...question, model: 'slow' });
  await expect.poll(() => served.engine.generations.length).toBe(1);
  expect((await send('POST', '/engines/_configure', { model: 'slow' })).status).toBe(409);
  expect(await get('/engines/ps')).toMatchObject([{ model_name: 'slow:latest', in_use: true }]);
  expect(await (await send('POST', '/engines/unload', { models: ['slow'] })).json()).toEqual({ unloaded_runners: 0 });
  expect((await answer).status).toBe(200);
  expect(await (await send('POST', '/engines/unload', { models: ['slow'] })).json()).toEqual({ unloaded_runners: 1 });
});

test('status, disk usage and backends', async () => {
  const status = (await get('/engines/status')) as Record<string, string>;
  expect(Object.keys(status)).toEqual(['candle', 'omg', 'llama.cpp', 'vllm', 'mlx']);
  expect(status.candle).toMatch(/^Running: omg /);
  const model = (await served.client.list()).find(({ name }) => name === 'tiny:latest');
  expect(await get('/engines/df')).toEqual({ models_disk_usage: model?.size, default_backend_disk_usage: 0 });
  for (const action of ['install', 'uninstall']) {
    expect((await send('POST', `/engines/${action}-backend`, { backend: 'llama.cpp' })).status).toBe(200);
    expect((await send('POST', `/engines/${action}-backend`, { backend: 'tgi' })).status).toBe(404);
  }
  expect((await send('GET', '/engines/requests')).status).toBe(404);
});

test('reranking needs a reranker, on every path it has (§9)', async () => {
  const body = { model: 'tiny', query: 'q', documents: ['a', 'b'] };
  const paths = ['/rerank', '/score', '/v1/rerank', '/engines/rerank', '/engines/candle/rerank', '/engines/v1/rerank'];
  for (const path of paths) {
    const reply = await send('POST', path, body);
    expect([reply.status, (await readJson(reply)).error.code], path).toEqual([400, 'unsupported']);
    expect((await send('POST', path, { ...body, model: 'nope' })).status, path).toBe(404);
  }
});

test('messages and responses answer here too, each in its own envelope', async () => {
  const message = { model: 'tiny', max_tokens: 50, messages: question.messages };
  for (const path of ['/engines/v1/messages', '/engines/mlx/v1/messages', '/anthropic/v1/messages']) {
    const reply = (await (await send('POST', path, message)).json()) as { type: string };
    expect(reply.type, path).toBe('message');
  }
  const missing = await send('POST', '/engines/v1/messages', { ...message, model: 'nope' });
  expect([missing.status, await missing.json()]).toMatchObject([404, { type: 'error' }]);
  const made = await readJson(await send('POST', '/responses', { model: 'tiny', input: 'hi' }));
  for (const path of ['/responses', '/v1/responses', '/engines/v1/responses']) {
    expect(await get(`${path}/${made.id}`), path).toMatchObject({ id: made.id, object: 'response' });
  }
});
