import { afterEach, beforeEach, expect, test } from 'vitest';
import { Hub } from '../../sources/index.ts';
import { HubStandIn } from '../hub-stand-in/index.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

const WEIGHTS = Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(3 << 20, 'weights')]);

let standIn: HubStandIn;
let served: TestDaemon;

beforeEach(async () => {
  standIn = await HubStandIn.start();
  standIn.repository('owner/repo', { 'm-Q4_K_M.gguf': WEIGHTS, 'm-Q8_0.gguf': 'GGUF eight' });
  served = await testDaemon({
    hub: async () => new Hub({ endpoint: standIn.url, proxy: { no: '*' }, retry: { attempts: 1, baseDelayMs: 1 } }),
  });
});
afterEach(async () => {
  await served.stop();
  await standIn.close();
});

async function send(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const reply = await fetch(served.url + path, { method, body: text, headers });
  return { status: reply.status, type: reply.headers.get('content-type'), text: await reply.text() };
}

interface Model {
  id: string;
  tags: string[];
  created: number;
  config: Record<string, unknown>;
}
const models = async () => JSON.parse((await send('GET', '/models')).text) as Model[];
const own = async () => (await models()).filter(({ tags }) => !tags.includes('demo:latest'));
const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; message: string; total: number; layer: object; mode: string });

test('create pulls and tells of it in JSON lines (§9)', async () => {
  const reply = await send('POST', '/models/create', { from: 'hf.co/owner/repo' }, { accept: 'application/json' });
  expect([reply.status, reply.type]).toEqual([200, 'application/json']);
  const told = lines(reply.text);
  expect(told.at(-1)).toMatchObject({ type: 'success', message: 'Model pulled successfully', mode: 'pull' });
  const steps = told.slice(0, -1);
  expect(steps.length).toBeGreaterThan(0);
  for (const step of steps) {
    expect(step).toEqual({
      type: 'progress',
      message: expect.stringMatching(/^Downloaded: .+ of 3.00 MiB$/),
      total: WEIGHTS.length,
      layer: { id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), size: WEIGHTS.length, current: expect.any(Number) },
      mode: 'pull',
    });
  }
  expect(steps.at(-1)?.layer).toMatchObject({ current: WEIGHTS.length });
  const again = await send('POST', '/models/create', { from: 'owner/repo' }, { accept: 'application/json' });
  expect(lines(again.text).at(-1)).toMatchObject({ type: 'success', message: 'Using cached model: owner/repo' });
});

test('without exactly application/json the lines are HTML-escaped text (§9)', async () => {
  const reply = await send('POST', '/models/create', { from: 'owner/repo' }, { accept: 'application/json, */*' });
  expect(reply.type).toBe('text/plain; charset=utf-8');
  expect(reply.text).toMatch(/^\{&#34;type&#34;:&#34;progress&#34;,/);
  expect(reply.text).not.toContain('"');
  expect(lines(reply.text.replaceAll('&#34;', '"')).at(-1)?.type).toBe('success');
});

test('what fails before the first line has a real status and a bare text (§9)', async () => {
  standIn.repository('owner/gated', { 'm-Q4_K_M.gguf': WEIGHTS }, { gated: true, readers: ['sesame'] });
  const cases: [unknown, number, RegExp][] = [
    [{ from: 'no/such' }, 404, /^Model not found/],
    [{ from: 'a/b/c/d' }, 400, /^Invalid model reference/],
    [{ from: 'owner/gated' }, 401, /^Unauthorized/],
    [undefined, 400, /^invalid request body\n$/],
    ['{"from"', 400, /^invalid request/],
    [{}, 400, /from/],
  ];
  for (const [body, status, text] of cases) {
    const reply = await send('POST', '/models/create', body);
    expect([reply.status, reply.type], JSON.stringify(body)).toEqual([status, 'text/plain; charset=utf-8']);
    expect(reply.text).toMatch(text);
    expect(reply.text.endsWith('\n')).toBe(true);
  }
  const allowed = await send('POST', '/models/create', { from: 'owner/gated', 'bearer-token': 'sesame' });
  expect([allowed.status, allowed.text.includes('success')]).toEqual([200, true]);
});

test('models are listed once, with all their tags, and found by every form of their name', async () => {
  await served.install('microsoft/phi-2');
  await send('POST', '/models/microsoft/phi-2/tag?repo=mine/phi&tag=v1');
  const [model] = await own();
  expect(model).toEqual({
    id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    tags: ['mine/phi:v1', 'microsoft/phi-2:latest'],
    created: expect.any(Number),
    config: {
      format: 'gguf',
      quantization: expect.any(String),
      parameters: expect.any(String),
      architecture: 'llama',
      size: expect.stringMatching(/^\d+ B$/),
      context_size: 8192,
    },
  });
  const id = model?.id ?? '';
  for (const name of ['phi-2', 'Microsoft/Phi-2', 'microsoft%2Fphi-2:latest', 'mine/phi:v1', id, id.slice(7, 19)]) {
    const one = JSON.parse((await send('GET', `/exp/vDD4.40/models/${name}`)).text) as Model;
    expect([one.id, one.config.gguf], name).toEqual([id, expect.any(Object)]);
  }
  const unknown = await send('GET', '/models/nope');
  expect([unknown.status, unknown.type]).toEqual([404, 'text/plain; charset=utf-8']);
});

test('remote=true asks the hub and brings nothing', async () => {
  const reply = await send('GET', '/models/owner/repo:Q8_0?remote=true');
  expect(JSON.parse(reply.text)).toMatchObject({
    tags: ['owner/repo:Q8_0'],
    config: { quantization: 'Q8_0', size: '10 B' },
  });
  expect((await send('GET', '/models/no/such?remote=true')).status).toBe(404);
  expect(await own()).toEqual([]);
});

test('a tag is untagged while others remain; the last takes the model with it', async () => {
  await served.install('tiny');
  const tagged = await send('POST', '/models/tiny/tag?repo=other&tag=v2');
  expect([tagged.status, JSON.parse(tagged.text)]).toEqual([201, { message: expect.any(String), target: 'other:v2' }]);
  expect((await send('POST', '/models/tiny/tag?repo=other')).status).toBe(400);
  const [model] = await own();
  const id = model?.id ?? '';
  expect((await send('DELETE', `/models/${id}`)).status).toBe(409);
  expect(JSON.parse((await send('DELETE', '/models/tiny')).text)).toEqual([{ Untagged: 'tiny:latest' }]);
  expect(JSON.parse((await send('DELETE', '/models/ai/other:v2')).text)).toEqual([
    { Untagged: 'other:v2' },
    { Deleted: id },
  ]);
  expect((await send('DELETE', '/models/tiny')).status).toBe(404);
});

test("the registry that docker's client writes into a tag is no part of the name", async () => {
  await served.install('tiny');
  await send('POST', '/models/tiny/tag?repo=docker.io/me/other&tag=v2');
  expect((await send('GET', '/models/me/other:v2')).status).toBe(200);
  const chat = { model: 'me/other:v2', messages: [{ role: 'user', content: 'hi' }] };
  expect((await send('POST', '/engines/v1/chat/completions', chat)).status).toBe(200);
  expect(JSON.parse((await send('DELETE', '/models/me/other:v2')).text)).toEqual([
    { Untagged: 'docker.io/me/other:v2' },
  ]);
  expect((await own())[0]?.tags).toEqual(['tiny:latest']);
});

test('an id takes all its tags with force', async () => {
  await served.install('tiny');
  await send('POST', '/models/tiny/tag?repo=other&tag=v2');
  const id = (await own())[0]?.id ?? '';
  const steps = JSON.parse((await send('DELETE', `/models/${id.slice(7, 21)}?force=true`)).text) as object[];
  expect(steps).toHaveLength(3);
  expect(steps.at(-1)).toEqual({ Deleted: id });
  expect(await own()).toEqual([]);
});

test('purge removes everything but what comes with the program', async () => {
  await served.install('tiny');
  await served.install('microsoft/phi-2');
  expect(await send('DELETE', '/models/purge')).toMatchObject({ status: 200, text: '' });
  expect(await own()).toEqual([]);
});

test('repackage gives a second name; what this version cannot do says so', async () => {
  await served.install('tiny');
  const done = await send('POST', '/models/tiny/repackage', { target: 'copy:v1' });
  expect([done.status, JSON.parse(done.text)]).toEqual([
    201,
    { message: expect.any(String), source: 'tiny', target: 'copy:v1' },
  ]);
  expect((await own())[0]?.tags).toContain('copy:v1');
  const missing: [string, string, unknown?][] = [
    ['POST', '/models/load', 'tar'],
    ['GET', '/models/tiny/export'],
    ['POST', '/models/tiny/push'],
  ];
  for (const [method, path, body] of missing) {
    expect(await send(method, path, body), path).toMatchObject({ status: 501, type: 'text/plain; charset=utf-8' });
  }
});

test('a repackaged model is loaded with its own window', async () => {
  await served.install('tiny');
  expect((await send('POST', '/models/tiny/repackage', { target: 'small:v1', context_size: 512 })).status).toBe(201);
  expect(JSON.parse((await send('GET', '/models/small:v1')).text)).toMatchObject({ config: { context_size: 512 } });
  await send('POST', '/models/small:v1/tag?repo=again&tag=v1');
  expect(JSON.parse((await send('GET', '/models/again:v1')).text)).toMatchObject({ config: { context_size: 512 } });
  const question = { model: 'small:v1', messages: [{ role: 'user', content: 'hi' }] };
  await send('POST', '/engines/v1/chat/completions', question);
  await send('POST', '/engines/v1/chat/completions', { ...question, options: { num_ctx: 1024 } });
  expect(served.engine.loads.map(({ contextLength }) => contextLength)).toEqual([512, 1024]);
  expect((await send('POST', '/models/tiny/repackage', { target: 'small:v2', context_size: 0 })).status).toBe(400);
});
