import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import { disconnectSignal } from './disconnect.ts';
import { type StreamOptions, sendStream } from './stream.ts';

let app: FastifyInstance;
afterEach(() => app.close());

async function serve(
  frames: (signal: AbortSignal) => AsyncIterable<string>,
  options: Partial<StreamOptions> = {},
): Promise<string> {
  app = Fastify({ forceCloseConnections: true });
  app.setErrorHandler((error, _request, reply) => reply.code(500).send(OmgError.from(error).code));
  app.get('/', (_request, reply) => {
    reply.header('x-kept', 'yes');
    return sendStream(reply, frames(disconnectSignal(reply)), {
      kind: 'sse',
      failure: (error) => `failed ${error.code}\n\n`,
      ...options,
    });
  });
  return app.listen({ port: 0 });
}

test('frames go out as they come, with the headers that hooks have set', async () => {
  const url = await serve(
    async function* () {
      yield 'a\n';
      await sleep(50);
      yield 'b\n';
    },
    { kind: 'ndjson' },
  );
  const reply = await fetch(url);
  expect([reply.headers.get('content-type'), reply.headers.get('x-kept')]).toEqual(['application/x-ndjson', 'yes']);
  const chunks: string[] = [];
  for await (const chunk of reply.body ?? []) chunks.push(Buffer.from(chunk as Uint8Array).toString());
  expect(chunks).toEqual(['a\n', 'b\n']);
});

/** A source that fails at once. */
const broken: AsyncIterable<string> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new OmgError('internal', 'x')) }),
};

test('a failure before the first frame has its status; one after it becomes the last frame', async () => {
  expect((await fetch(await serve(() => broken))).status).toBe(500);
  await app.close();
  const url = await serve(async function* () {
    yield 'a\n\n';
    throw new OmgError('runner_crashed', 'x');
  });
  const late = await fetch(url);
  expect([late.status, await late.text()]).toEqual([200, 'a\n\nfailed runner_crashed\n\n']);
});

test('a long silence commits the status line and is filled with comments; an error then is a frame', async () => {
  const url = await serve(
    async function* () {
      await sleep(150);
      yield 'a\n\n';
      await sleep(100);
      throw new OmgError('internal', 'x');
    },
    { commitAfterMs: 40, pingEveryMs: 30 },
  );
  const reply = await fetch(url);
  const text = await reply.text();
  expect(text).toMatch(/^(: ping\n\n)+a\n\n(: ping\n\n)+failed internal\n\n$/);
});

test('a dialect may have a keep-alive of its own', async () => {
  const url = await serve(
    async function* () {
      await sleep(100);
      yield 'a\n\n';
    },
    { commitAfterMs: 40, pingEveryMs: 30, keepAlive: 'event: ping\n\n' },
  );
  expect(await (await fetch(url)).text()).toMatch(/^(event: ping\n\n)+a\n\n$/);
});

test('NDJSON is never filled: an empty line would break its readers', async () => {
  const url = await serve(
    async function* () {
      await sleep(100);
      yield '{}\n';
    },
    { kind: 'ndjson', commitAfterMs: 10, pingEveryMs: 10 },
  );
  expect(await (await fetch(url)).text()).toBe('{}\n');
});

test('a reader that does not read holds the source back; one that leaves ends it', async () => {
  let produced = 0;
  let ended = false;
  let aborted = false;
  const frame = 'x'.repeat(64 * 1024);
  const url = await serve(async function* (signal) {
    signal.addEventListener('abort', () => (aborted = true));
    try {
      for (; produced < 5000; produced++) yield frame;
    } finally {
      ended = true;
    }
  });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  socket.pause();
  await expect.poll(() => produced).toBeGreaterThan(0);
  await sleep(200);
  const held = produced;
  await sleep(100);
  // 5000 frames are 320 MB; the buffers of both sockets take a few.
  expect(produced).toBe(held);
  expect(held).toBeLessThan(1000);
  socket.destroy();
  await expect.poll(() => [ended, aborted]).toEqual([true, true]);
});
