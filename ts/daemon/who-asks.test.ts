import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { selfSigned } from '../tests/contract/self-signed.ts';
import { fakeDaemon } from '../tests/contract/serve-fake.ts';
import type { AppDeps } from './app.ts';
import { listenAlso, listenSocket, listenTcp } from './listen.ts';
import { ownClients } from './own-client.ts';
import { tlsServerFactory } from './tls.ts';

const folder = mkdtempSync(join(tmpdir(), 'omg-asker-'));
const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
const pair = selfSigned('here.test');
const KEY = 'the-key-of-the-settings';
const TIMES = 12;

let app: FastifyInstance;
let further: Server | undefined;
/** How often a handler changed the configuration. */
let changes: number;

beforeAll(() => {
  writeFileSync(files.cert, pair.cert);
  writeFileSync(files.key, pair.key);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  further?.closeAllConnections();
  further?.close();
  further = undefined;
  app.server.closeAllConnections();
  await app.close();
});

async function build(overrides: Partial<AppDeps> = {}): Promise<void> {
  const config = await loadConfig({ env: {}, cwd: '/' });
  changes = 0;
  const update = async (): Promise<[]> => {
    changes += 1;
    return [];
  };
  const access = { origins: [], apiKey: KEY, checkHost: true };
  ({ app } = await fakeDaemon({ config: { current: () => config, update }, access, ...overrides }));
  await app.ready();
}

const BODY = JSON.stringify({ 'log.level': 'debug' });
function patch(headers = ''): string {
  return `PATCH /ohmygpu/v1/config HTTP/1.1\r\nHost: evil.example\r\n${headers}Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
}
const HEALTH = 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n';

type Manner = (open: () => Promise<Socket>) => Promise<Socket>;
const written = (socket: Socket, text: string): Promise<void> =>
  new Promise((resolve) => void socket.write(text, () => resolve()));

/** The connection below a TLS one, which is what can be reset. */
const carriers = new WeakMap<Socket, Socket>();

function reset(socket: Socket): Socket {
  (carriers.get(socket) ?? socket).resetAndDestroy();
  return socket;
}

/** Ways to send a request and to be gone, or half gone, when the daemon looks at it. */
const manners: Record<string, Manner> = {
  'reset once it is written': async (open) => {
    const socket = await open();
    await written(socket, patch());
    return reset(socket);
  },
  'reset at once': async (open) => {
    const socket = await open();
    socket.write(patch());
    return reset(socket);
  },
  'half-closed': async (open) => (await open()).end(patch()),
  'destroyed once it is written': async (open) => {
    const socket = await open();
    await written(socket, patch());
    return socket.destroy();
  },
  'reset behind two requests in one packet': async (open) => {
    const socket = await open();
    await written(socket, HEALTH + patch() + patch());
    return reset(socket);
  },
  'reset on a connection that was kept alive': async (open) => {
    const socket = await open();
    await written(socket, HEALTH);
    await new Promise((resolve) => socket.once('data', resolve));
    await written(socket, patch());
    return reset(socket);
  },
  'with headers that a proxy sets': async (open) => {
    const socket = await open();
    await written(socket, patch('X-Forwarded-For: 127.0.0.1\r\nForwarded: for=unix:\r\nX-Real-IP: \r\n'));
    return reset(socket);
  },
  'and stays': async (open) => {
    const socket = await open();
    await written(socket, patch());
    return socket;
  },
};

function opened(make: () => Socket, event: 'connect' | 'secureConnect'): () => Promise<Socket> {
  return () =>
    new Promise((resolve, reject) => {
      const socket = make().once('error', reject);
      socket.once(event, () => {
        socket.off('error', reject).on('error', () => {});
        socket.resume();
        resolve(socket);
      });
    });
}

const addresses = Object.values(networkInterfaces()).flat();
const lanAddress = addresses.find((address) => address?.family === 'IPv4' && !address.internal)?.address;
const hasIpv6 = addresses.some((address) => address?.address === '::1');

/** Every listener that somebody else may reach; each gives a way to connect to it. */
const listeners: Record<string, () => Promise<() => Promise<Socket>>> = {
  loopback: async () => {
    await build();
    const port = await listenTcp(app, '127.0.0.1', 0);
    return opened(() => connect(port, '127.0.0.1'), 'connect');
  },
  'IPv6 loopback': async () => {
    await build();
    const port = await listenTcp(app, '::1', 0);
    return opened(() => connect(port, '::1'), 'connect');
  },
  'all addresses': async () => {
    await build({ access: { origins: [], apiKey: KEY, checkHost: false, needsKey: true } });
    const port = await listenTcp(app, '0.0.0.0', 0);
    return opened(() => connect(port, lanAddress ?? '127.0.0.1'), 'connect');
  },
  'the further port': async () => {
    await build();
    further = await listenAlso(app, '127.0.0.1', 0);
    const address = further.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return opened(() => connect(port, '127.0.0.1'), 'connect');
  },
  TLS: async () => {
    await build({ serverFactory: tlsServerFactory(files, { onReload: () => {}, onError: () => {} }) });
    const port = await listenTcp(app, '127.0.0.1', 0);
    return opened(() => {
      const carrier = connect(port, '127.0.0.1').on('error', () => {});
      const socket = tlsConnect({ socket: carrier, ca: pair.cert, checkServerIdentity: () => undefined });
      carriers.set(socket, carrier);
      return socket;
    }, 'secureConnect');
  },
};

const reachable = Object.keys(listeners).filter((name) => hasIpv6 || name !== 'IPv6 loopback');

describe.each(reachable)('over %s nobody becomes the owner', (listener) => {
  test.each(Object.keys(manners))('by a request %s', async (manner) => {
    const open = await (listeners[listener] as (typeof listeners)[string])();
    const sockets: Socket[] = [];
    for (let time = 0; time < TIMES; time++) sockets.push(await (manners[manner] as Manner)(open));
    // Whatever came before this has been looked at when it is answered.
    for (let time = 0; time < 3; time++) {
      const last = await open();
      const answer = new Promise<string>((resolve) => last.once('data', (data) => resolve(String(data))));
      last.write(HEALTH);
      expect(await answer).toContain('200 OK');
      last.destroy();
    }
    for (const socket of sockets) socket.destroy();
    expect(changes).toBe(0);
  });
});

test.skipIf(process.platform === 'win32')('over the socket it is the owner, whatever Host and key say', async () => {
  await build();
  const socketPath = join(folder, 'owner.sock');
  further = await listenSocket(app, socketPath);
  const status = await new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        socketPath,
        agent: false,
        method: 'PATCH',
        path: '/ohmygpu/v1/config',
        headers: { host: 'evil.example', 'x-api-key': 'no key' },
      },
      (reply) => resolve(reply.resume().statusCode),
    ).on('error', reject);
    request.end(BODY);
  });
  expect([status, changes]).toEqual([200, 1]);
});

test('within the process it is the owner only where the session is', async () => {
  await build();
  const clientOf = ownClients(app);
  await expect(clientOf({ apiKey: '', isTrusted: false }).list()).rejects.toMatchObject({ code: 'unauthorized' });
  expect(await clientOf({ apiKey: KEY, isTrusted: false }).list()).toHaveLength(1);
  expect(await clientOf({ apiKey: '', isTrusted: true }).list()).toHaveLength(1);
});
