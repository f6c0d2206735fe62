import { gzipSync, zstdCompressSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installBodyParser } from './body.ts';
import { toOmgError } from './errors.ts';

const LIMIT = 1000;

let app: FastifyInstance;
beforeEach(() => {
  app = Fastify();
  installBodyParser(app, LIMIT);
  app.setErrorHandler((thrown, _request, reply) => {
    const error = toOmgError(thrown);
    return reply.code(error.status).send({ code: error.code });
  });
  app.post('/', async (request) => ({ body: request.body }));
  app.delete('/', async (request) => ({ body: request.body }));
});
afterEach(() => app.close());

const send = (payload: string | Buffer, headers: Record<string, string> = {}, method: 'POST' | 'DELETE' = 'POST') =>
  app.inject({ method, url: '/', payload, headers });

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
