import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, httpClient } from './mcp-session.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

// What the HTTP transport adds to the tools: sessions, checks of the sender, and clients that go away.

const KEY = 'a-key-of-the-test';
let served: TestDaemon;
beforeAll(async () => {
  served = await testDaemon({
    env: { OMG_API_KEY: KEY },
    script: { tokenMs: 5, reply: () => Array.from({ length: 100_000 }, (_, at) => `word${at} `) },
  });
  await served.install('tiny');
});
afterAll(() => served.stop());

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};
const ACCEPT = { accept: 'application/json, text/event-stream' };

function post(body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${served.url}/mcp`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { ...ACCEPT, authorization: `Bearer ${KEY}`, ...headers },
    signal,
  });
}

async function session(): Promise<Record<string, string>> {
  const reply = await post(INITIALIZE);
  await reply.text();
  return { 'mcp-session-id': reply.headers.get('mcp-session-id') ?? '' };
}

describe('who may connect', () => {
  test('the tools act with the key of the session', async () => {
    const client = await httpClient(served.url, { authorization: `Bearer ${KEY}` });
    expect((await call(client, 'status', {})).structuredContent).toMatchObject({ status: 'ok' });
    await client.close();
  });

  test('without a key nothing is opened, in the words of the protocol', async () => {
    const reply = await post(INITIALIZE, { authorization: 'Bearer wrong' });
    expect(reply.status).toBe(401);
    expect(await reply.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { data: { code: 'unauthorized' } } });
  });

  test('another origin, or a rebound host, is refused', async () => {
    expect((await post(INITIALIZE, { origin: 'https://evil.test' })).status).toBe(403);
    const local = await post(INITIALIZE, { origin: 'http://localhost:5173' });
    expect(local.headers.get('access-control-expose-headers')).toContain('mcp-session-id');
    const status = await new Promise((resolve) => {
      const { port } = served.daemon.endpoint;
      httpRequest(
        { host: '127.0.0.1', port, path: '/mcp', method: 'POST', headers: { host: 'evil.test' } },
        (reply) => {
          reply.resume();
          resolve(reply.statusCode);
        },
      ).end('{}');
    });
    expect(status).toBe(403);
  });
});

describe('sessions', () => {
  test('an exchange without one, or with an unknown one, says so', async () => {
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
    expect((await post(list)).status).toBe(400);
    expect((await post('no JSON')).status).toBe(400);
    expect((await post(list, { 'mcp-session-id': 'nope' })).status).toBe(404);
    expect((await fetch(`${served.url}/mcp`, { method: 'PUT', headers: { 'x-api-key': KEY } })).status).toBe(405);
  });

  test('a session ends when its client says so', async () => {
    const id = await session();
    const end = () =>
      fetch(`${served.url}/mcp`, { method: 'DELETE', headers: { authorization: `Bearer ${KEY}`, ...id } });
    expect((await end()).status).toBe(200);
    expect((await end()).status).toBe(404);
  });

  test('messages of the server come over a stream of their own', async () => {
    const reply = await fetch(`${served.url}/mcp`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${KEY}`, ...(await session()) },
    });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toBe('text/event-stream');
    expect(reply.headers.get('x-request-id')).toMatch(/^req_/);
    await reply.body?.cancel();
  });
});

test('a client that goes away during a call ends what the call does', async () => {
  const id = await session();
  const controller = new AbortController();
  const chat = {
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name: 'chat', arguments: { model: 'tiny', prompt: 'x' }, _meta: { progressToken: 1 } },
  };
  const reply = await post(chat, id, controller.signal);
  const readUntilItSpeaks = async (): Promise<void> => {
    let text = '';
    for await (const chunk of reply.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.includes('word')) controller.abort();
    }
  };
  await expect(readUntilItSpeaks()).rejects.toThrow();
  await expect.poll(() => served.engine.generations.at(-1)?.state).toBe('cancelled');
});

test('a stopping daemon ends the open streams', async () => {
  const other = await testDaemon();
  const client = await httpClient(other.url);
  const ended = new Promise<void>((resolve) => {
    client.onerror = () => resolve();
    client.onclose = () => resolve();
  });
  const begun = performance.now();
  await other.stop();
  await ended;
  // Two seconds are what a daemon waits before it cuts what is still open.
  expect(performance.now() - begun).toBeLessThan(30_000);
  await client.close();
});
