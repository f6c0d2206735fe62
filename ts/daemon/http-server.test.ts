import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener, Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { selfSigned } from '../tests/contract/self-signed.ts';
import { fakeDaemon } from '../tests/contract/serve-fake.ts';
import { createHttpServer, type ServerLimits } from './http-server.ts';
import { listenAlso, listenSocket } from './listen.ts';
import { tlsServerFactory } from './tls.ts';

const pair = selfSigned('here.test');
const servers: Server[] = [];
const folder = mkdtempSync(join(tmpdir(), 'omg-server-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Answers with the length of the body once all of it has come. */
const measure: RequestListener = async (request, response) => {
  let length = 0;
  try {
    for await (const chunk of request) length += (chunk as Buffer).length;
    response.end(`length ${length}`);
  } catch {
    // The connection was cut.
  }
};

/** A connection to a new server, and what comes back over it until it ends. */
async function open(
  isTls: boolean,
  limits: Partial<ServerLimits>,
  handler = measure,
): Promise<{ socket: Socket; answer: Promise<string> }> {
  const tls = isTls ? { cert: Buffer.from(pair.cert), key: Buffer.from(pair.key) } : undefined;
  const server = createHttpServer(handler, { isOwners: false, tls, limits });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const socket = isTls
    ? tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {});
  const answer = once(socket, 'close').then(() => Buffer.concat(chunks).toString());
  await once(socket, isTls ? 'secureConnect' : 'connect');
  return { socket, answer };
}

const post = (length: number): string => `POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
const STALL_MS = 400;

describe.each([
  ['plain', false],
  ['TLS', true],
])('over %s connections', (_, isTls) => {
  test('headers that do not come are waited for so long and no longer', async () => {
    for (const text of ['', 'GET / HTTP/1.1\r\nHost: x\r\n']) {
      const { socket, answer } = await open(isTls, { headersMs: 200 });
      socket.write(text);
      expect(await answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
    }
  });

  test('a body that stands still is answered with 408 in the words of its surface', async () => {
    const { socket, answer } = await open(isTls, { stalledBodyMs: STALL_MS });
    socket.write(`${post(1000)}beginning`);
    expect(await answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*\{"error":"The body of the request stopped coming\."/);
  });

  test('a chunked body that comes a byte at a time is no progress', async () => {
    const { socket, answer } = await open(isTls, { stalledBodyMs: STALL_MS });
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const timer = setInterval(() => socket.writable && socket.write('1\r\nx\r\n'), STALL_MS / 10);
    expect(await answer).toMatch(/^HTTP\/1\.1 408 /);
    clearInterval(timer);
  });

  test('a body that comes slowly may take many times as long', async () => {
    const { socket, answer } = await open(isTls, { stalledBodyMs: STALL_MS, keepAliveMs: 100 });
    const pieces = 25;
    socket.write(post(pieces * 4096));
    for (let piece = 0; piece < pieces; piece++) {
      await sleep(STALL_MS / 5);
      socket.write(Buffer.alloc(4096));
    }
    expect(await answer).toContain(`length ${pieces * 4096}`);
  });

  test('a body that the daemon is slow to read is not the fault of the sender', async () => {
    const bytes = 4 * 1024 * 1024;
    const { socket, answer } = await open(
      isTls,
      { stalledBodyMs: STALL_MS, keepAliveMs: 100 },
      async (request, response) => {
        await sleep(STALL_MS * 4);
        await measure(request, response);
      },
    );
    socket.write(post(bytes));
    socket.write(Buffer.alloc(bytes));
    expect(await answer).toContain(`length ${bytes}`);
  });

  test('a body that stands still after its answer holds no connection', async () => {
    const { socket, answer } = await open(
      isTls,
      { stalledBodyMs: STALL_MS },
      (_request, response) => void response.writeHead(401).end('no'),
    );
    socket.write(`${post(1000)}beginning`);
    expect(await answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('a connection without a request ends after the time that is set', async () => {
    const { socket, answer } = await open(isTls, { keepAliveMs: 200 });
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await answer).toContain('length 0');
  });
});

test('beyond so many connections further ones are closed', async () => {
  const { socket, answer } = await open(false, { connections: 1 });
  const second = connect(socket.remotePort ?? 0, '127.0.0.1').on('error', () => {});
  await once(second, 'close');
  socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  expect(await answer).toContain('length 0');
});

test('every listener of the daemon holds to the same limits', async () => {
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.cert, pair.cert);
  writeFileSync(files.key, pair.key);
  const plain = await fakeDaemon();
  const secure = await fakeDaemon({
    serverFactory: tlsServerFactory(files, { onReload: () => {}, onError: () => {} }),
  });
  try {
    const further = await listenAlso(plain.app, '127.0.0.1', 0);
    const owners = process.platform === 'win32' ? [] : [await listenSocket(plain.app, join(folder, 'd.sock'))];
    servers.push(further, ...owners);
    for (const server of [plain.app.server, secure.app.server, further, ...owners] as (Server & {
      maxHeaderSize?: number;
    })[]) {
      expect({
        headersTimeout: server.headersTimeout,
        requestTimeout: server.requestTimeout,
        keepAliveTimeout: server.keepAliveTimeout,
        maxConnections: server.maxConnections,
        maxHeaderSize: server.maxHeaderSize,
        idle: server.timeout,
      }).toEqual({
        headersTimeout: 60_000,
        requestTimeout: 0,
        keepAliveTimeout: 75_000,
        maxConnections: 4096,
        maxHeaderSize: 16_384,
        idle: 0,
      });
    }
  } finally {
    await plain.app.close();
    await secure.app.close();
  }
});
