import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KeyFile, type NewKey } from '../../keys/index.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;
let file: KeyFile;

beforeAll(async () => {
  served = await testDaemon({
    script: { tokenMs: 20, reply: () => Array.from({ length: 100_000 }, () => 'on ') },
    hub: async () => ({
      resolveRemote: () => Promise.reject(new Error('nothing is asked of the hub')),
      search: async () => [],
      pull: (_, { signal }) =>
        new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    }),
  });
  await served.install('tiny');
  file = new KeyFile(served.config.paths.keysFile);
});
afterAll(() => served.stop());
beforeEach(() => rmSync(file.path, { force: true }));

const create = async (key: Partial<NewKey> & { name: string }): Promise<string> =>
  (await file.create({ scopes: ['inference', 'manage'], ...key })).secret;

/** Something that goes on: resolves once it has begun, and `ended` once the daemon has ended it. */
interface Running {
  ended: Promise<unknown>;
  isOver: () => boolean;
}

function running(ended: Promise<unknown>): Running {
  let isOver = false;
  const settled = ended.then(
    () => {
      isOver = true;
    },
    () => {
      isOver = true;
    },
  );
  return { ended: settled, isOver: () => isOver };
}

const headersOf = (key: string | undefined): Record<string, string> =>
  key === undefined ? {} : { authorization: `Bearer ${key}` };

async function stream(key: string | undefined, method: string, path: string, body?: object): Promise<Running> {
  const reply = await fetch(served.url + path, {
    method,
    headers: headersOf(key),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect([path, reply.status]).toEqual([path, 200]);
  const reader = reply.body?.getReader();
  await reader?.read();
  const toTheEnd = async (): Promise<void> => {
    while ((await reader?.read())?.done === false);
  };
  return running(toTheEnd());
}

async function mcpSession(key: string | undefined): Promise<{ id: string; send: (body: object) => Promise<Response> }> {
  const send = (body: object, id?: string): Promise<Response> =>
    fetch(`${served.url}/mcp`, {
      method: 'POST',
      headers: {
        ...headersOf(key),
        accept: 'application/json, text/event-stream',
        ...(id === undefined ? {} : { 'mcp-session-id': id }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...body }),
    });
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
  const opened = await send({ id: 1, method: 'initialize', params });
  await opened.text();
  const id = opened.headers.get('mcp-session-id') ?? '';
  await (await send({ method: 'notifications/initialized' }, id)).text();
  return { id, send: (body) => send(body, id) };
}

const MESSAGES = [{ role: 'user', content: 'x' }];
const CHAT = { model: 'tiny', messages: MESSAGES, max_tokens: 90_000 };

/** Every kind of thing that goes on for long. */
const kinds: Record<string, (key: string | undefined) => Promise<Running>> = {
  'events over a WebSocket': async (key) => {
    const upgrade = request(`${served.url}/ohmygpu/v1/events`, {
      headers: {
        ...headersOf(key),
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      },
    });
    upgrade.end();
    return new Promise((resolve, reject) => {
      upgrade.once('error', reject);
      upgrade.once('upgrade', (_, socket) => {
        socket.on('error', () => {}).resume();
        resolve(running(new Promise((closed) => socket.once('close', closed))));
      });
    });
  },
  'events over SSE': (key) => stream(key, 'GET', '/ohmygpu/v1/events'),
  'a chat over NDJSON': (key) => stream(key, 'POST', '/api/chat', { ...CHAT, options: { num_predict: 90_000 } }),
  'a chat over SSE': (key) => stream(key, 'POST', '/v1/chat/completions', { ...CHAT, stream: true }),
  'a message': (key) => stream(key, 'POST', '/v1/messages', { ...CHAT, stream: true }),
  'a response': (key) =>
    stream(key, 'POST', '/v1/responses', { model: 'tiny', input: 'x', max_output_tokens: 90_000, stream: true }),
  'a chat below /engines': (key) => stream(key, 'POST', '/engines/v1/chat/completions', { ...CHAT, stream: true }),
  'a pull': (key) => stream(key, 'POST', '/api/pull', { model: 'owner/repo' }),
  'a chat without a stream': async (key) => {
    const before = served.engine.generations.length;
    const body = JSON.stringify({ ...CHAT, stream: false });
    const reply = fetch(`${served.url}/v1/chat/completions`, { method: 'POST', headers: headersOf(key), body });
    const over = running(reply);
    await expect.poll(() => served.engine.generations.length).toBeGreaterThan(before);
    return over;
  },
  'the stream of an MCP session': async (key) => {
    const { id } = await mcpSession(key);
    const reply = await fetch(`${served.url}/mcp`, {
      headers: { ...headersOf(key), accept: 'text/event-stream', 'mcp-session-id': id },
    });
    return running(reply.text());
  },
  'a call of an MCP session': async (key) => {
    const before = served.engine.generations.length;
    const { send } = await mcpSession(key);
    const args = { model: 'tiny', prompt: 'x', max_tokens: 90_000 };
    const over = running(
      send({ id: 2, method: 'tools/call', params: { name: 'chat', arguments: args } }).then((reply) => reply.text()),
    );
    await expect.poll(() => served.engine.generations.length).toBeGreaterThan(before);
    return over;
  },
};

/** Ways for a key to lose what it may do; each is done with a file that somebody changes. */
const losses: Record<string, (name: string) => Promise<void>> = {
  'an edit of the file in place': async (name) =>
    edit(
      (keys) => keys.filter((key) => key.name !== name),
      (text) => writeFileSync(file.path, text),
    ),
  'its expiry': async (name) =>
    edit((keys) => keys.map((key) => (key.name === name ? { ...key, expires: new Date(0).toISOString() } : key))),
};

type Keys = { name: string; scopes: string[]; expires?: string }[];

function edit(
  change: (keys: Keys) => Keys,
  write = (text: string): void => {
    writeFileSync(`${file.path}.new`, text);
    renameSync(`${file.path}.new`, file.path);
  },
): void {
  const { keys } = JSON.parse(readFileSync(file.path, 'utf8')) as { keys: Keys };
  write(JSON.stringify({ keys: change(keys) }));
}

describe.each(Object.keys(kinds))('%s', (kind) => {
  const begin = kinds[kind] as (typeof kinds)[string];

  test('ends with the key, and nobody else’s does', async () => {
    const [lost, kept] = [await create({ name: 'lost' }), await create({ name: 'kept' })];
    const [ending, going] = [await begin(lost), await begin(kept)];
    await file.revoke('lost');
    await ending.ended;
    expect(going.isOver()).toBe(false);
    await file.revoke('kept');
    await going.ended;
    await expect
      .poll(() => served.engine.generations.filter(({ state }) => state === 'decoding' || state === 'prefill'))
      .toEqual([]);
  });

  test('that began without a key ends when the first key is made', async () => {
    const open = await begin(undefined);
    await create({ name: 'first' });
    await open.ended;
  });
});

test.each(Object.keys(losses))('a stream ends by %s as well', async (loss) => {
  const events = await stream(await create({ name: 'lost' }), 'GET', '/ohmygpu/v1/events');
  await (losses[loss] as (typeof losses)[string])('lost');
  await events.ended;
});

test('what a scope was needed for ends with the scope', async () => {
  const key = await create({ name: 'both' });
  const [events, chat] = [
    await stream(key, 'GET', '/ohmygpu/v1/events'),
    await stream(key, 'POST', '/v1/chat/completions', { ...CHAT, stream: true }),
  ];
  edit((keys) => keys.map((entry) => ({ ...entry, scopes: ['inference'] })));
  await events.ended;
  expect(chat.isOver()).toBe(false);
  edit((keys) => keys.map((entry) => ({ ...entry, scopes: ['manage'] })));
  await chat.ended;
});

test('a key that expires while its stream goes on ends it then', async () => {
  const key = await create({ name: 'short', expires: new Date(Date.now() + 3000) });
  const events = await stream(key, 'GET', '/ohmygpu/v1/events');
  await events.ended;
  expect((await fetch(`${served.url}/v1/models`, { headers: headersOf(key) })).status).toBe(401);
});

test('the owner’s own streams go on whatever happens to keys', async () => {
  const { socket } = served.config.paths;
  const reply = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    request({ socketPath: socket, path: '/ohmygpu/v1/events', agent: false }, resolve).on('error', reject).end();
  });
  let isOver = false;
  reply.resume().on('close', () => {
    isOver = true;
  });
  const other = await create({ name: 'a' });
  const events = await stream(other, 'GET', '/ohmygpu/v1/events');
  await file.revoke('a');
  await events.ended;
  expect(isOver).toBe(false);
});
