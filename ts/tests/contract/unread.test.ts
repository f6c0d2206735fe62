import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';
import { fakeDaemon } from './serve-fake.ts';

/** More than the buffers of any loopback connection take. */
const PIECE = `${'w'.repeat(16_384)} `;
const endless = { reply: () => Array.from({ length: 100_000 }, () => PIECE), contextLength: 10_000_000 };

let served: TestDaemon | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await served?.stop();
  served = undefined;
});

/** Sends what it is given and reads nothing; `closed` when the daemon has closed it. */
function mute(url: string, ...requests: string[]): { socket: Socket; closed: Promise<void> } {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  socket.pause();
  socket.write(requests.join(''));
  // Without reading, only a write tells that the other side is gone.
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.once('error', () => resolve());
    const timer = setInterval(() => socket.write('\r\n'), 200);
    socket.once('close', () => clearInterval(timer));
  });
  return { socket, closed };
}

function post(path: string, body: object): string {
  const text = JSON.stringify(body);
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

const ask = { model: 'tiny', messages: [{ role: 'user', content: 'Hi' }], stream: true };
const STREAMS: [string, object][] = [
  ['/api/chat', ask],
  ['/api/generate', { model: 'tiny', prompt: 'Hi' }],
  ['/v1/chat/completions', { ...ask, n: 2 }],
  ['/v1/completions', { model: 'tiny', prompt: 'Hi', stream: true }],
  ['/v1/responses', { model: 'tiny', input: 'Hi', stream: true }],
  ['/v1/messages', { ...ask, max_tokens: 1_000_000 }],
  ['/engines/v1/chat/completions', ask],
];

test.each(STREAMS)('%s: a client that reads nothing is cut off, and its answer with it', async (path, body) => {
  served = await testDaemon({ script: endless, env: { OMG_UNREAD_TIMEOUT: '1s' } });
  await served.install('tiny');
  const { closed } = mute(served.url, post(path, body));
  await vi.waitFor(() => expect(served?.engine.generations.length).toBeGreaterThan(0), { timeout: 10_000 });
  await closed;
  await vi.waitFor(() => expect(served?.engine.generations.map(({ state }) => state)).not.toContain('decoding'), {
    timeout: 10_000,
  });
  await vi.waitFor(async () => expect(await running()).toBe(0), { timeout: 10_000 });
});

async function running(): Promise<number> {
  const metrics = await (await fetch(`${served?.url}/ohmygpu/v1/models`)).json();
  return (metrics as { models: { active_requests?: number }[] }).models.reduce(
    (sum, model) => sum + (model.active_requests ?? 0),
    0,
  );
}

test('an honest client is served while as many as may wait and run read nothing', async () => {
  served = await testDaemon({
    script: { ...endless, reply: (request) => (request.maxTokens === 1 ? ['yes'] : endless.reply()) },
    env: { OMG_UNREAD_TIMEOUT: '1s', OMG_MAX_QUEUE: '20' },
  });
  await served.install('tiny');
  for (let client = 0; client < 24; client++) {
    const [path, body] = STREAMS[client % 2] as [string, object];
    mute(served.url, post(path, body));
  }
  await vi.waitFor(() => expect(served?.engine.generations.length).toBeGreaterThanOrEqual(4), { timeout: 10_000 });
  await vi.waitFor(
    async () => {
      const body = JSON.stringify({ model: 'tiny', prompt: 'Hi', stream: false, options: { num_predict: 1 } });
      const answer = await fetch(`${served?.url}/api/generate`, { method: 'POST', body });
      expect(await answer.json()).toMatchObject({ response: 'yes' });
    },
    { timeout: 30_000, interval: 200 },
  );
});

test('requests sent ahead of their answers are taken one after another, and end with their connection', async () => {
  served = await testDaemon({ script: { reply: 'one two three', tokenMs: 100 } });
  await served.install('tiny');
  const { socket } = mute(served.url, ...Array.from({ length: 8 }, () => post('/api/chat', ask)));
  await vi.waitFor(() => expect(served?.engine.generations.length).toBe(1), { timeout: 10_000 });
  socket.destroy();
  await sleep(1_000);
  expect(served.engine.generations).toMatchObject([{ state: 'cancelled' }]);
});

test('a client that sends many requests ahead is refused the rest', async () => {
  const { app } = await fakeDaemon();
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  app.log.level = 'silent';
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(40));
  await vi.waitFor(() => expect(text.match(/HTTP\/1\.1 \d+/g)?.length).toBe(40), { timeout: 10_000 });
  expect(text).toContain('HTTP/1.1 200');
  expect(text.lastIndexOf('HTTP/1.1 503')).toBeGreaterThan(0);
  await app.close();
});

test('connections that end with requests in line leave none behind', async () => {
  served = await testDaemon();
  const { hostname, port } = new URL(served.url);
  const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  // Fifteen wait behind a stream that does not end; more in all than may be under way.
  for (let round = 0; round < 300; round++) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write(request('/ohmygpu/v1/events') + request('/api/tags').repeat(15));
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
  }
  expect((await fetch(`${served.url}/api/tags`)).status).toBe(200);
});

test('streams of events whose reader stands still are ended', async () => {
  served = await testDaemon({ env: { OMG_UNREAD_TIMEOUT: '1s' } });
  const upgrade =
    'GET /ohmygpu/v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n';
  const events = mute(served.url, upgrade);
  const stream = mute(served.url, 'GET /ohmygpu/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await sleep(300);
  // Pulls of nothing fail at once, and are told to whoever listens.
  const long = 'm'.repeat(60_000);
  let ended = 0;
  for (const { closed } of [events, stream]) void closed.then(() => (ended += 1));
  for (let pull = 0; ended < 2 && pull < 3_000; pull++) {
    await fetch(`${served.url}/v1/models/pull`, { method: 'POST', body: JSON.stringify({ model: `${long}${pull}` }) });
  }
  await vi.waitFor(() => expect(ended).toBe(2), { timeout: 10_000 });
});
