import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../client/index.ts';
import { KeyFile, type NewKey } from '../../keys/index.ts';
import { call, codeOf, httpClient } from './mcp-session.ts';
import { readJson } from './read-json.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;
let inference: string;
let manage: string;
/** Everything that must never be seen in the log. */
const secrets: string[] = [];

beforeAll(async () => {
  served = await testDaemon({
    env: { OMG_LOG_LEVEL: 'trace' },
    script: {
      tokenMs: 1,
      reply: (_, prompt) => (prompt.includes('long') ? Array.from({ length: 100_000 }, () => 'on ') : 'ok'),
    },
  });
  await served.install('tiny');
  inference = await create({ name: 'inference', scopes: ['inference'] });
  manage = await create({ name: 'manage', scopes: ['manage'] });
});
afterAll(() => served.stop());

async function create(key: NewKey): Promise<string> {
  const { secret } = await new KeyFile(served.config.paths.keysFile).create(key);
  secrets.push(secret);
  return secret;
}

function ask(method: string, path: string, key?: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  return fetch(served.url + path, {
    method,
    signal,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
  });
}

const CHAT = { model: 'tiny', messages: [{ role: 'user', content: 'x' }], max_tokens: 5, stream: false };

describe('scopes', () => {
  test.each([
    ['POST', '/v1/chat/completions', CHAT],
    ['POST', '/v1/messages', CHAT],
    ['POST', '/api/chat', CHAT],
    ['POST', '/engines/v1/chat/completions', CHAT],
    ['POST', '/engines/llama.cpp/v1/chat/completions', CHAT],
    ['POST', '/v1/responses', { model: 'tiny', input: 'x' }],
    ['POST', '/tokenize', { model: 'tiny', content: 'x' }],
  ])('%s %s asks for inference', async (method, path, body) => {
    expect((await ask(method, path, undefined, body)).status).toBe(401);
    expect((await ask(method, path, manage, body)).status).toBe(403);
    expect((await ask(method, path, inference, body)).status).toBe(200);
  });

  test.each([
    ['POST', '/api/pull'],
    ['POST', '/api/create'],
    ['POST', '/api/copy'],
    ['DELETE', '/api/delete'],
    ['POST', '/v1/models/pull'],
    ['DELETE', '/v1/models/nope'],
    ['POST', '/models/create'],
    ['DELETE', '/models/purge'],
    ['POST', '/engines/unload'],
    ['POST', '/ohmygpu/v1/models/gc'],
    ['POST', '/ohmygpu/v1/models/nope/stop'],
    ['PATCH', '/ohmygpu/v1/config'],
    ['GET', '/ohmygpu/v1/config'],
    ['GET', '/ohmygpu/v1/events'],
    ['POST', '/ohmygpu/v1/shutdown'],
  ])('%s %s asks for manage', async (method, path) => {
    expect((await ask(method, path)).status).toBe(401);
    const refused = await ask(method, path, inference, method === 'GET' ? undefined : {});
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('manage');
  });

  test('a key of manage gets to what it may', async () => {
    expect((await ask('DELETE', '/v1/models/nope', manage)).status).toBe(404);
    expect((await ask('GET', '/ohmygpu/v1/config', manage)).status).toBe(200);
  });

  test.each(['/v1/models', '/api/tags', '/metrics', '/openapi.json', '/ohmygpu/v1/status', '/models', '/nowhere'])(
    'GET %s asks for any key',
    async (path) => {
      expect((await ask('GET', path)).status).toBe(401);
      for (const key of [inference, manage])
        expect((await ask('GET', path, key)).status).toBe(path === '/nowhere' ? 404 : 200);
    },
  );

  test.each(['/', '/health', '/api/version'])('GET %s asks for none', async (path) => {
    expect((await ask('GET', path)).status).toBe(200);
  });

  test('the WebSocket of the events asks for manage too', async () => {
    const upgrade = (key: string): Promise<number> =>
      ask('GET', '/ohmygpu/v1/events', key).then(({ status, body }) => body?.cancel().then(() => status) ?? status);
    expect([await upgrade(inference), await upgrade(manage)]).toEqual([403, 200]);
    const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ohmygpu/v1/events`);
    const opened = await new Promise((resolve) => {
      socket.onopen = () => resolve(true);
      socket.onerror = () => resolve(false);
    });
    expect(opened).toBe(false);
  });

  test('the tools of MCP may do what the key of the session may', async () => {
    const client = await httpClient(served.url, { authorization: 'Bearer of-something-else', 'x-api-key': inference });
    expect((await call(client, 'chat', { model: 'tiny', prompt: 'x' })).isError).not.toBe(true);
    expect(codeOf(await call(client, 'unload', { model: 'tiny' }))).toBe('forbidden');
    await client.close();
  });
});

describe('limits', () => {
  test.each([
    ['/v1/chat/completions', { error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } }],
    ['/v1/messages', { type: 'error', error: { type: 'rate_limit_error' } }],
    ['/api/chat', { error: expect.stringContaining('requests') }],
  ])('beyond its rate %s answers 429 in its own words, with how long to wait', async (path, body) => {
    const key = await create({ name: `rate of ${path}`, scopes: ['inference'], rate: { count: 1, perMs: 3_600_000 } });
    expect((await ask('POST', path, key, CHAT)).status).toBe(200);
    const refused = await ask('POST', path, key, CHAT);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3000);
    expect(await readJson(refused)).toMatchObject(body);
  });

  test('beyond its requests at once a key waits; when one ends the next may come', async () => {
    const key = await create({ name: 'one at a time', scopes: ['inference'], concurrency: 1 });
    const controller = new AbortController();
    const long = { ...CHAT, messages: [{ role: 'user', content: 'a long one' }], max_tokens: 90_000, stream: true };
    const first = await ask('POST', '/v1/chat/completions', key, long, controller.signal);
    await first.body?.getReader().read();
    const second = await ask('POST', '/v1/chat/completions', key, CHAT);
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1']);
    controller.abort();
    await expect.poll(async () => (await ask('POST', '/v1/chat/completions', key, CHAT)).status).toBe(200);
  });

  test('an expired key is refused', async () => {
    const key = await create({ name: 'expired', scopes: ['inference'], expires: new Date(Date.now() - 1000) });
    const refused = await ask('GET', '/v1/models', key);
    expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining('expired')]);
  });

  test('a revoked key is refused from then on', async () => {
    const key = await create({ name: 'revoked', scopes: ['inference'] });
    expect((await ask('GET', '/v1/models', key)).status).toBe(200);
    await new KeyFile(served.config.paths.keysFile).revoke('revoked');
    expect((await ask('GET', '/v1/models', key)).status).toBe(401);
  });
});

test('responses belong to the key that asked for them', async () => {
  const other = await create({ name: 'other', scopes: ['inference'] });
  const { id } = (await readJson(await ask('POST', '/v1/responses', inference, { model: 'tiny', input: 'x' }))) as {
    id: string;
  };
  const path = `/v1/responses/${id}`;
  expect([(await ask('GET', path, other)).status, (await ask('GET', path, inference)).status]).toEqual([404, 200]);
  const next = { model: 'tiny', input: 'y', previous_response_id: id };
  expect((await ask('POST', '/v1/responses', other, next)).status).toBe(400);
  expect((await ask('POST', '/v1/responses', inference, next)).status).toBe(200);
  expect([(await ask('DELETE', path, other)).status, (await ask('DELETE', path, inference)).status]).toEqual([
    404, 200,
  ]);
});

test('an MCP session belongs to the key that opened it, and ends with it', async () => {
  const [mine, yours] = [
    await create({ name: 'mine', scopes: ['inference'] }),
    await create({ name: 'yours', scopes: ['inference'] }),
  ];
  const send = (key: string, body: object, id?: string): Promise<Response> =>
    fetch(`${served.url}/mcp`, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }),
      headers: {
        accept: 'application/json, text/event-stream',
        'x-api-key': key,
        ...(id === undefined ? {} : { 'mcp-session-id': id }),
      },
    });
  const clientInfo = { name: 'raw', version: '1' };
  const opened = await send(mine, {
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo },
  });
  const id = opened.headers.get('mcp-session-id') ?? '';
  await opened.text();
  const list = { method: 'tools/list' };
  expect([(await send(mine, list, id)).status, (await send(yours, list, id)).status]).toEqual([200, 404]);
  await new KeyFile(served.config.paths.keysFile).revoke('mine');
  expect((await send(mine, list, id)).status).toBe(401);
});

test('the client of the command line works with a key, and says what is wrong without', async () => {
  const { host, port } = served.daemon.endpoint;
  expect((await new Client([{ host, port }], inference).list()).length).toBeGreaterThan(0);
  await expect(new Client([{ host, port }]).list()).rejects.toMatchObject({ code: 'unauthorized' });
  await expect(new Client([{ host, port }], inference).stop('tiny')).rejects.toMatchObject({ code: 'forbidden' });
});

test('the socket of the home folder needs no key', async () => {
  const { socket } = served.config.paths;
  if (socket === undefined) throw new Error('there is a socket by default');
  expect((await new Client([{ socketPath: socket }]).status()).status).toBe('ok');
});

test.each(['/', '/v1/models', '/v1/nowhere', '/api/tags', '/models', '/mcp', '/v1/messages'])(
  'GET %s has a request id, whatever the answer',
  async (path) => {
    for (const key of [undefined, inference]) {
      const { headers } = await ask('GET', path, key);
      expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{24}$/);
      if (path === '/v1/messages') expect(headers.get('request-id')).toBe(headers.get('x-request-id'));
    }
  },
);

test('no secret is ever in the log, however it was sent', async () => {
  const wrong = `${inference.slice(0, -4)}AAAA`;
  await ask('GET', `/v1/models?api_key=${inference}&key=${wrong}`, wrong);
  await ask('POST', `/v1/${inference}`, inference, { secret: inference });
  await fetch(`${served.url}/v1/chat/completions`, {
    method: 'POST',
    body: `{${inference}`,
    headers: { 'x-api-key': inference },
  });
  const log = (): string => readFileSync(served.config.paths.logFile, 'utf8');
  await expect.poll(log).toContain('invalid_json');
  // The id says which key it was; the rest is the secret.
  expect(log()).toContain(inference.split('_')[1]);
  for (const secret of [...secrets, wrong]) expect(log()).not.toContain(secret.split('_').slice(2).join('_'));
});
