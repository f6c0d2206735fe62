import { afterEach, beforeEach, expect, test } from 'vitest';
import { readJson } from './read-json.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;

beforeEach(async () => {
  served = await testDaemon({
    script: (path) => (path.includes('slow') ? { reply: 'word '.repeat(500), tokenMs: 20 } : { reply: 'hello there' }),
  });
  await served.install('tiny');
});
afterEach(() => served.stop());

const send = (method: string, path: string, body?: unknown) =>
  fetch(served.url + path, { method, body: body === undefined ? undefined : JSON.stringify(body) });
const post = async (path: string, body: object) => (await (await send('POST', path, body)).json()) as never;
const get = async (path: string) => (await (await send('GET', path)).json()) as unknown;

test('tokens come back as the text they were, and no weights are loaded', async () => {
  const { tokens }: { tokens: number[] } = await post('/tokenize', { model: 'tiny', content: 'hello there' });
  expect(tokens.length).toBeGreaterThan(0);
  expect(await post('/detokenize', { model: 'tiny', tokens })).toEqual({ content: 'hello there' });
  const { tokens: pieces }: { tokens: { id: number; piece: string }[] } = await post('/tokenize', {
    model: 'tiny',
    content: 'hello there',
    with_pieces: true,
  });
  expect(pieces.map(({ id }) => id)).toEqual(tokens);
  expect(pieces.map(({ piece }) => piece).join('')).toBe('hello there');
  expect(served.engine.loads.every(({ tokenizerOnly }) => tokenizerOnly)).toBe(true);
});

test('the model may be left out while exactly one is loaded', async () => {
  const refused = await send('POST', '/tokenize', { content: 'x' });
  expect([refused.status, (await readJson(refused)).error]).toMatchObject([400, { param: 'model' }]);
  await served.client.start('tiny');
  expect(await post('/tokenize', { content: '' })).toEqual({ tokens: [] });
});

test('a template is applied without loading anything', async () => {
  const messages = [{ role: 'user', content: 'Why?' }];
  const { prompt }: { prompt: string } = await post('/apply-template', { model: 'tiny', messages });
  expect(prompt).toContain('Why?');
  expect(prompt).toMatch(/assistant/);
  expect(served.engine.loads).toEqual([]);
  expect((await send('POST', '/apply-template', { model: 'tiny', messages: [] })).status).toBe(400);
  expect((await send('POST', '/apply-template', { model: 'nope', messages })).status).toBe(404);
});

test('a plan says what a model would take', async () => {
  expect(await post('/v1/plan', { model: 'tiny', context_length: 512 })).toEqual({
    object: 'memory_plan',
    model: 'tiny:latest',
    fits: true,
    context_length: 512,
    trained_context_length: 8192,
    weights_bytes: 1_000_000,
    kv_bytes_per_token: 64,
    kv_bytes: 64 * 512,
    scratch_bytes: 1000,
    total_bytes: 1_001_000 + 64 * 512,
    available_bytes: 8 * 2 ** 30,
  });
  expect(await get('/v1/plan?model=tiny&context_length=1024')).toMatchObject({ context_length: 1024 });
  expect((await send('POST', '/v1/plan', { model: 'tiny', device: 'toaster' })).status).toBe(400);
  expect((await send('GET', '/v1/plan?model=tiny&context_length=many')).status).toBe(400);
  expect(served.engine.loads).toEqual([]);
});

test('the catalog names what can be pulled, and what is there', async () => {
  await served.install('qwen3:4b');
  const { models } = (await get('/ohmygpu/v1/catalog')) as {
    models: { name: string; repo: string; installed: boolean }[];
  };
  expect(models.find(({ name }) => name === 'qwen3:4b')).toEqual({
    name: 'qwen3:4b',
    repo: expect.stringMatching(/^[\w-]+\/[\w.-]+$/),
    installed: true,
  });
  expect(models.find(({ name }) => name === 'qwen3:8b')).toMatchObject({ installed: false });
});

async function scrape(): Promise<{ type: string | null; text: string; values: Map<string, number> }> {
  const reply = await send('GET', '/metrics');
  const text = await reply.text();
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  for (const sample of samples.filter((line) => !line.startsWith('omg_event_loop_delay_seconds')))
    expect(sample).toMatch(/^omg_\w+\{backend="candle",model="[^"]+",mode="completion"[^}]*\} [\d.e+-]+$/);
  const values = new Map(
    samples.map((line): [string, number] => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' '))),
    ]),
  );
  return { type: reply.headers.get('content-type'), text, values };
}

test('metrics are a comment while nothing happens, then count requests and tokens (§9)', async () => {
  const idle = await scrape();
  expect([idle.type, idle.values.size]).toEqual(['text/plain; version=0.0.4; charset=utf-8', 0]);
  expect(idle.text).toMatch(/^# /);
  const messages = [{ role: 'user', content: 'hi' }];
  const answers: { prompt_tokens: number; completion_tokens: number }[] = [];
  for (let count = 0; count < 2; count++) {
    const answer: { usage: { prompt_tokens: number; completion_tokens: number } } = await post('/v1/chat/completions', {
      model: 'tiny',
      messages,
    });
    answers.push(answer.usage);
  }
  const { values, text } = await scrape();
  expect(text).toContain('# TYPE omg_event_loop_delay_seconds summary\n');
  const delay = ['0.5', '0.9', '0.99', '1'].map((share) =>
    values.get(`omg_event_loop_delay_seconds{quantile="${share}"}`),
  );
  expect(delay).toEqual(delay.toSorted((a, b) => Number(a) - Number(b)));
  expect(values.get('omg_event_loop_delay_seconds_count')).toBeGreaterThan(0);
  const labels = '{backend="candle",model="tiny:latest",mode="completion"';
  const sum = (field: 'prompt_tokens' | 'completion_tokens') =>
    answers.reduce((total, usage) => total + usage[field], 0);
  expect(values.get(`omg_prompt_tokens_total${labels}}`)).toBe(sum('prompt_tokens'));
  expect(values.get(`omg_generated_tokens_total${labels}}`)).toBe(sum('completion_tokens'));
  expect(values.get(`omg_requests_total${labels},status="ok"}`)).toBe(2);
  expect(values.get(`omg_request_duration_seconds_count${labels}}`)).toBe(2);
  expect(values.get(`omg_request_duration_seconds_bucket${labels},le="+Inf"}`)).toBe(2);
  expect(values.get(`omg_time_to_first_token_seconds_count${labels}}`)).toBe(2);
  expect(values.get(`omg_queue_depth${labels}}`)).toBe(0);
  expect(values.get(`omg_models_loaded${labels}}`)).toBe(1);
  expect(values.get(`omg_vram_bytes${labels}}`)).toBe(0);
  for (const name of new Set([...values.keys()].map((key) => key.replace(/(_bucket|_sum|_count)?(\{.*|$)/, '')))) {
    expect(text).toContain(`# TYPE ${name} `);
  }
});

test('who leaves is counted as cancelled, what fails by its code', async () => {
  await served.install('slow');
  const controller = new AbortController();
  const reply = await fetch(`${served.url}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'slow', prompt: 'x', stream: true }),
    signal: controller.signal,
  });
  await reply.body?.getReader().read();
  controller.abort();
  const labels = '{backend="candle",model="slow:latest",mode="completion"';
  await expect.poll(async () => (await scrape()).values.get(`omg_requests_total${labels},status="cancelled"}`)).toBe(1);
  expect((await scrape()).values.get(`omg_generated_tokens_total${labels}}`)).toBeGreaterThan(0);
  await send('POST', '/v1/completions', { model: 'tiny', prompt: 'x '.repeat(9000) });
  expect((await scrape()).text).toContain('model="tiny:latest",mode="completion",status="context_length_exceeded"} 1');
});

test('DISABLE_METRICS takes them away', async () => {
  const quiet = await testDaemon({ env: { DISABLE_METRICS: '1' } });
  try {
    expect((await fetch(`${quiet.url}/metrics`)).status).toBe(404);
  } finally {
    await quiet.stop();
  }
});

interface Description {
  openapi: string;
  paths: Record<
    string,
    Record<
      string,
      {
        tags: string[];
        operationId: string;
        summary: string;
        parameters?: { name: string; in: string; description?: string }[];
        responses: Record<string, { description: string }>;
        'x-codeSamples': { source: string }[];
        requestBody?: { content: { 'application/json': { schema: { required?: string[] } } } };
      }
    >
  >;
}

test('/openapi.json describes every route, and bodies by their schemas', async () => {
  const { openapi, paths } = (await get('/openapi.json')) as Description;
  expect(openapi).toBe('3.1.0');
  for (const path of [
    '/api/chat',
    '/v1/chat/completions',
    '/v1/messages',
    '/models/{name}',
    '/engines/{backend}/v1/chat/completions',
    '/metrics',
  ]) {
    expect(paths, path).toHaveProperty([path]);
  }
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  const ids = operations.map(({ operationId }) => operationId);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  const body = (path: string) => paths[path]?.post?.requestBody?.content['application/json'].schema;
  expect(body('/tokenize')).toMatchObject({
    type: 'object',
    required: ['content'],
    properties: { content: { type: 'string' } },
  });
  expect(body('/models/create')?.required).toEqual(['from']);
  const described = [
    '/api/chat',
    '/api/generate',
    '/v1/completions',
    '/v1/responses',
    '/engines/{backend}/v1/messages',
  ];
  for (const path of described) expect(body(path), path).toMatchObject({ properties: { model: expect.anything() } });
  expect(body('/v1/chat/completions')?.required).toEqual(['model', 'messages']);
  expect(paths['/health']).not.toHaveProperty('post');
});

test('every operation says what it does, what it takes and gives, and how it is called', async () => {
  const { paths } = (await get('/openapi.json')) as Description;
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const name = `${method.toUpperCase()} ${path}`;
      expect(operation.summary, name).toMatch(/^[A-Z]\S* \S.*[^.]$/);
      expect(Object.keys(operation.responses), name).toEqual(expect.arrayContaining(['200', '401', 'default']));
      const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(
        named.map((parameter) => parameter.name),
        name,
      ).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, word]) => word));
      const curl = operation['x-codeSamples'][0]?.source ?? '';
      expect(curl, name).toMatch(
        /^curl(?: -X [A-Z]+)? 'http:\/\/127\.0\.0\.1:10692\/[^'{}]*'(?: -H '[^']+' -d '\{[^']+\}')?$/,
      );
      if (operation.requestBody !== undefined) expect(curl, name).toContain(" -d '{");
    }
  }
});

test('what has nothing behind it is not listed', async () => {
  const { paths } = (await get('/openapi.json')) as Description;
  const listed = Object.keys(paths);
  for (const path of ['/v1/images/generations', '/v1/audio/speech', '/api/push', '/api/me', '/models/load']) {
    expect(listed.filter((other) => other.endsWith(path))).toEqual([]);
  }
});

test('the curl lines for the bundled model work as they are', async () => {
  const { paths } = (await get('/openapi.json')) as Description;
  const lines = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map((one) => one['x-codeSamples'][0]?.source ?? ''),
  );
  const own = lines.filter(
    (line) => !line.includes(' -X ') && line.includes('"demo"') && !/create|copy|pull/.test(line),
  );
  expect(own.length).toBeGreaterThan(20);
  for (const line of own) {
    const [, path = '', body] = /10692(\/[^']*)'(?:.* -d '(.*)')?$/.exec(line) ?? [];
    const reply = await send('POST', path, JSON.parse(body ?? '{}'));
    expect(reply.status, line).toBeLessThan(300);
    await reply.text();
  }
});

test('/docs is one page that asks for nothing but the description', async () => {
  const reply = await send('GET', '/docs');
  expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const page = await reply.text();
  expect(page).toContain("fetch('openapi.json')");
  expect(page).not.toMatch(/https?:\/\//);
});
