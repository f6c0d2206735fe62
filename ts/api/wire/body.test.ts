import { constants, createZstdCompress, gzipSync, zstdCompressSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installBodyParser, TEXT_BODY } from './body.ts';
import { BodyRoom } from './body-room.ts';
import { toOmgError } from './errors.ts';

const LIMIT = 1000;
const MIB = 1024 * 1024;

let app: FastifyInstance;
let room: BodyRoom;
beforeEach(() => {
  app = Fastify();
  room = new BodyRoom(9 * MIB);
  installBodyParser(app, { limits: { bytes: LIMIT, values: 500 }, room });
  app.setErrorHandler((thrown, _request, reply) => {
    const error = toOmgError(thrown);
    return reply.code(error.status).send({ code: error.code });
  });
  app.post('/', async (request) => ({ body: request.body }));
  app.post('/text', { config: { bodyLimits: TEXT_BODY } }, async (request) => ({ body: request.body }));
  app.post('/held', { config: { bodyLimits: TEXT_BODY } }, () => held.promise);
  app.delete('/', async (request) => ({ body: request.body }));
});
afterEach(() => app.close());

let held = Promise.withResolvers<object>();
beforeEach(() => {
  held = Promise.withResolvers();
});

const send = (
  payload: string | Buffer,
  headers: Record<string, string> = {},
  method: 'POST' | 'DELETE' = 'POST',
  url = '/',
) => app.inject({ method, url, payload, headers });

test('bodies of DELETE are read too', async () => {
  expect((await send('{"a":1}', {}, 'DELETE')).json()).toEqual({ body: { a: 1 } });
});

test('a body over the limit is 413, announced or not', async () => {
  const large = JSON.stringify('x'.repeat(LIMIT));
  expect([(await send(large)).statusCode, (await send(large)).json()]).toEqual([413, { code: 'body_too_large' }]);
  expect((await send(JSON.stringify('x'.repeat(LIMIT - 2)))).statusCode).toBe(200);
});

test.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('what %s inflates to counts, however small it came', async (encoding, pack) => {
  const bomb = pack(JSON.stringify('x'.repeat(200_000)));
  expect(bomb.length).toBeLessThan(LIMIT);
  const reply = await send(bomb, { 'content-encoding': encoding });
  expect([reply.statusCode, reply.json()]).toEqual([413, { code: 'body_too_large' }]);
});

test('data that is cut off is refused', async () => {
  const packed = gzipSync('{"a":1}');
  const reply = await send(packed.subarray(0, packed.length - 9), { 'content-encoding': 'gzip' });
  expect([reply.statusCode, reply.json()]).toEqual([400, { code: 'invalid_request' }]);
});

test('the route says how much it takes, and what is large comes back from a thread as it was sent', async () => {
  const body = { text: 'x🙂'.repeat(300_000), deep: [[{ a: null }]], numbers: [1.5, -0, 1e300] };
  const reply = await send(JSON.stringify(body), {}, 'POST', '/text');
  expect([reply.statusCode, reply.json()]).toEqual([200, { body: { ...body, numbers: [1.5, 0, 1e300] } }]);
  const keys = `{"__proto__":{"a":1},"constructor":2,"text":"${'x'.repeat(300_000)}"}`;
  const { body: sent } = JSON.parse((await send(keys, {}, 'POST', '/text')).payload) as { body: object };
  expect(Object.keys(sent)).toEqual(['__proto__', 'constructor', 'text']);
  const broken = await send(`{"text":"${'x'.repeat(300_000)}",}`, {}, 'POST', '/text');
  expect([broken.statusCode, broken.json()]).toEqual([400, { code: 'invalid_json' }]);
});

test('structure is bounded, small or large, in a thread or not', async () => {
  const many = JSON.stringify(Array(600).fill({}));
  expect((await send(many)).json()).toEqual({ code: 'body_too_large' });
  const more = JSON.stringify(Array(TEXT_BODY.values + 1).fill({}));
  expect((await send(more, {}, 'POST', '/text')).json()).toEqual({ code: 'body_too_large' });
  const deep = `${'['.repeat(300)}${']'.repeat(300)}`;
  expect((await send(deep)).json()).toEqual({ code: 'invalid_request' });
});

test('all bodies together have a room, of which a part is for small ones', async () => {
  const large = JSON.stringify('x'.repeat(3 * MIB));
  const first = send(large, {}, 'POST', '/held');
  await expect.poll(() => room.takenBytes).toBeGreaterThan(3 * MIB);
  const second = send(large, {}, 'POST', '/held');
  await expect.poll(() => room.takenBytes).toBeGreaterThan(6 * MIB);
  const third = await send(large, {}, 'POST', '/text');
  expect([third.statusCode, third.json()]).toEqual([503, { code: 'server_busy' }]);
  expect((await send(JSON.stringify('x'.repeat(MIB / 2)), {}, 'POST', '/text')).statusCode).toBe(200);
  held.resolve({});
  await Promise.all([first, second]);
  await expect.poll(() => room.takenBytes).toBe(0);
  expect((await send(large, {}, 'POST', '/text')).statusCode).toBe(200);
});

test('a packed body that unpacks to a large one comes back from a thread, and waits as small as it came', async () => {
  const body = { text: 'x'.repeat(4 * MIB) };
  for (const [encoding, pack] of [['gzip', gzipSync] as const, ['zstd', zstdCompressSync] as const]) {
    const reply = await send(pack(JSON.stringify(body)), { 'content-encoding': encoding }, 'POST', '/text');
    expect([reply.statusCode, reply.json()]).toEqual([200, { body }]);
  }
  const broken = gzipSync(JSON.stringify(body)).subarray(0, -9);
  const reply = await send(broken, { 'content-encoding': 'gzip' }, 'POST', '/text');
  expect([reply.statusCode, reply.json()]).toEqual([400, { code: 'invalid_request' }]);
  await expect.poll(() => room.takenBytes).toBe(0);
});

test('zstd may ask for the window that HTTP allows, and for no larger one', async () => {
  const statusFor = async (windowLog: number) => {
    const stream = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: windowLog } });
    // In two parts: of a size that it knows it makes the window.
    stream.write('{"a"');
    stream.end(':1}');
    const packed = Buffer.concat((await stream.toArray()) as Buffer[]);
    return (await send(packed, { 'content-encoding': 'zstd' })).statusCode;
  };
  expect([await statusFor(23), await statusFor(24)]).toEqual([200, 400]);
});
