import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJson } from './read-json.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;
beforeAll(async () => {
  served = await testDaemon({ script: { reply: 'ok then' } });
  await served.install('tiny');
});
afterAll(() => served.stop());

const post = (
  path: string,
  body: string | Blob | Uint8Array<ArrayBuffer> | null,
  headers: Record<string, string> = {},
  method = 'POST',
) => fetch(served.url + path, { method, body, headers });
const chat = { model: 'tiny', messages: [{ role: 'user', content: 'Hi' }], stream: false };

const ROUTES: [string, object, string?][] = [
  ['/api/chat', chat],
  ['/api/generate', { model: 'tiny', prompt: 'x', stream: false }],
  ['/api/show', { model: 'tiny' }],
  ['/v1/chat/completions', chat],
  ['/v1/completions', { model: 'tiny', prompt: 'x' }],
  ['/ohmygpu/v1/models/gc', { dry_run: true }],
];

test.each(ROUTES)('%s takes JSON whatever the Content-Type says (§14.1)', async (path, body) => {
  const text = JSON.stringify(body);
  for (const type of [
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/json',
    'nonsense',
    'multipart/form-data',
  ]) {
    expect((await post(path, text, { 'content-type': type })).status, type).toBe(200);
  }
  // A Blob without a type is sent without the header.
  expect((await post(path, new Blob([text]))).status).toBe(200);
});

test('a body of 20 MB is taken (§14.1)', async () => {
  const reply = await post('/api/chat', JSON.stringify({ ...chat, padding: 'x'.repeat(20e6) }));
  expect(reply.status).toBe(200);
});

test.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('%s bodies are unpacked', async (encoding, pack) => {
  const headers = { 'content-encoding': encoding };
  expect((await post('/api/show', new Uint8Array(pack(JSON.stringify({ model: 'tiny' }))), headers)).status).toBe(200);
  const broken = await post('/api/show', 'not packed at all', headers);
  expect([broken.status, typeof (await readJson(broken)).error]).toEqual([400, 'string']);
});

test('an unknown encoding is refused', async () => {
  expect((await post('/api/show', 'x', { 'content-encoding': 'rot13' })).status).toBe(400);
});

test('an empty body is a 400 in the envelope of the surface (§14.1)', async () => {
  for (const path of ['/api/chat', '/api/generate', '/api/show', '/api/pull', '/api/copy']) {
    const reply = await post(path, null, { 'content-type': 'application/json' });
    expect([path, reply.status, (await readJson(reply)).error]).toEqual([path, 400, 'missing request body']);
  }
  for (const path of ['/v1/chat/completions', '/v1/completions', '/v1/models/pull']) {
    const reply = await post(path, null, { 'content-type': 'application/json' });
    expect([path, reply.status, (await readJson(reply)).error.type]).toEqual([path, 400, 'invalid_request_error']);
  }
});

test('malformed JSON and JSON of the wrong kind are told apart from bad fields', async () => {
  const openAi = await post('/v1/chat/completions', '{"model":');
  expect([openAi.status, (await readJson(openAi)).error.code]).toEqual([400, 'invalid_json']);
  const array = await post('/v1/chat/completions', '[]');
  expect((await readJson(array)).error.code).toBe('invalid_json');
  const field = await post(
    '/v1/chat/completions',
    JSON.stringify({ ...chat, messages: [{ role: 'user', content: 5 }] }),
  );
  expect((await readJson(field)).error).toMatchObject({ code: 'invalid_request', param: 'messages[0].content' });
  const ollama = await post('/api/chat', '{');
  expect([ollama.status, ollama.headers.get('content-type')]).toEqual([400, 'application/json; charset=utf-8']);
  expect(typeof (await readJson(ollama)).error).toBe('string');
});

test('keys such as __proto__ in tool arguments are data', async () => {
  const body = `{"model":"tiny","stream":false,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"__proto__":{"a":1},"constructor":2}}}]},{"role":"tool","content":"y"}]}`;
  expect((await post('/api/chat', body)).status).toBe(200);
  expect(({} as { a?: number }).a).toBeUndefined();
});

test('every response names its request; unknown paths and methods answer in the envelope of the surface', async () => {
  const unknown = await fetch(`${served.url}/api/nothing`);
  expect([unknown.status, typeof (await readJson(unknown)).error]).toEqual([404, 'string']);
  expect(unknown.headers.get('x-request-id')).toMatch(/^req_/);
  expect(unknown.headers.get('x-omg-version')).toMatch(/^\d+\.\d+/);
  const other = await fetch(`${served.url}/v1/nothing`);
  expect([other.status, (await readJson(other)).error.code]).toEqual([404, 'not_found']);
  const wrong = await fetch(`${served.url}/api/chat`);
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
  const wrongV1 = await post('/v1/models', '{}');
  expect([wrongV1.status, (await readJson(wrongV1)).error.code]).toEqual([405, 'method_not_allowed']);
});

test('HEAD answers where Ollama has it', async () => {
  for (const path of ['/', '/api/tags', '/api/version']) expect((await post(path, null, {}, 'HEAD')).status).toBe(200);
  expect((await post(`/api/blobs/sha256:${'a'.repeat(64)}`, null, {}, 'HEAD')).status).toBe(404);
});

test('what asks for an account is told that there are none', async () => {
  for (const path of ['/api/me', '/api/signout']) {
    const reply = await post(path, '', { 'content-type': 'application/json' });
    expect([reply.status, (await readJson(reply)).error], path).toEqual([501, expect.stringContaining('no accounts')]);
  }
});

test('what is large and honest gets as far as the model', async () => {
  const ask = async (body: object) =>
    (await post('/v1/chat/completions', JSON.stringify({ model: 'nope', ...body }))).status;
  expect(await ask({ messages: [{ role: 'user', content: 'a "word"\n'.repeat(2.6e6) }] })).toBe(404);
  const properties = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`field_${at}`, { type: 'string' }]));
  const tools = Array.from({ length: 800 }, (_, at) => ({
    type: 'function',
    function: { name: `tool_${at}`, description: 'd'.repeat(300), parameters: { type: 'object', properties } },
  }));
  const messages = Array.from({ length: 3000 }, (_, at) => ({
    role: at % 2 === 0 ? 'user' : 'assistant',
    content: 'x',
  }));
  expect(await ask({ messages, tools })).toBe(404);
  const bias = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [at, -100]));
  expect(await ask({ messages: messages.slice(0, 1), logit_bias: bias })).toBe(404);
});

test('a request beyond its route is refused by size, count or depth, in the words of the surface', async () => {
  const large = await post('/api/show', JSON.stringify({ model: 'tiny', padding: 'x'.repeat(1024 * 1024) }));
  expect([large.status, (await readJson(large)).code]).toEqual([413, 'body_too_large']);
  const many = await post(
    '/v1/messages',
    JSON.stringify({ model: 'tiny', max_tokens: 1, messages: Array(151_000).fill({}) }),
  );
  expect([many.status, (await readJson(many)).error.type]).toEqual([413, 'request_too_large']);
  const packed = new Uint8Array(gzipSync(`{"model":"tiny","messages":[${'1,'.repeat(5e6)}1]}`));
  const bomb = await post('/v1/chat/completions', packed, { 'content-encoding': 'gzip' });
  expect([packed.length < 20_000, bomb.status, (await readJson(bomb)).error.code]).toEqual([
    true,
    413,
    'body_too_large',
  ]);
  const deep = await post('/api/chat', `{"model":"tiny","messages":${'['.repeat(200)}${']'.repeat(200)}}`);
  expect([deep.status, (await readJson(deep)).error]).toEqual([400, expect.stringContaining('nested')]);
});
