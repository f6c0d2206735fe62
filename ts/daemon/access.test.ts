import { request as httpRequest } from 'node:http';
import { hostname } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { type FakeDaemon, fakeDaemon } from '../tests/contract/serve-fake.ts';
import type { AccessRules } from './access.ts';

let daemon: FakeDaemon;
afterEach(() => daemon.app.close());

async function serve(rules: Partial<AccessRules> = {}): Promise<void> {
  daemon = await fakeDaemon({ access: { origins: [], apiKey: '', checkHost: true, ...rules } });
}
const get = (headers: Record<string, string>, method: 'GET' | 'OPTIONS' | 'POST' = 'GET', url = '/api/tags') =>
  daemon.app.inject({ method, url, headers, remoteAddress: '127.0.0.1' });

test.each([
  ['localhost:10692', 200],
  ['127.0.0.1', 200],
  ['host.docker.internal:10692', 200],
  ['gateway.docker.internal', 200],
  [hostname(), 200],
  [`${hostname().replace(/\.local$/, '')}.local:10692`, 200],
  ['localhost.', 200],
  ['LOCALHOST:1', 200],
  ['[fe80::1]', 200],
  ['box.local', 403],
  ['x.internal', 403],
  ['evil.docker.internal', 403],
  ['host.docker.internal.evil.test', 403],
  ['[::1].evil.com', 403],
  ['[::1]evil', 403],
  ['[::1', 403],
  ['[', 403],
  ['[]', 403],
  ['[localhost]', 403],
  ['.', 403],
  ['..', 403],
  [':10692', 403],
  ['.localhost', 403],
  ['localhost:port', 403],
  ['localhost:80:80', 403],
  ['localhost,evil.test', 403],
  ['localhost/..', 403],
  ['evil.test#localhost', 403],
  ['user@localhost', 403],
  ['2130706433', 403],
  ['0x7f.1', 403],
  ['127.1', 403],
  ['app.localhost:1', 200],
  ['[::1]:10692', 200],
  ['192.168.1.5:10692', 200],
  ['0.0.0.0', 200],
  ['evil.test', 403],
  ['localhost.evil.test', 403],
  ['8.8.8.8', 403],
  ['evilinternal', 403],
])('Host %s gets %i (§14.11)', async (host, status) => {
  await serve();
  const reply = await get({ host });
  expect(reply.statusCode).toBe(status);
  if (status === 403) expect(reply.body).toContain('OMG_ORIGINS');
});

test('Host is not checked when bound beyond this machine', async () => {
  await serve({ checkHost: false });
  expect((await get({ host: 'models.example.test' })).statusCode).toBe(200);
});

test.each([
  ['http://localhost:3000', true],
  ['https://127.0.0.1', true],
  ['http://0.0.0.0:1', true],
  ['http://[::1]:3000', true],
  ['https://[::1]', true],
  ['http://[::1].evil.test', false],
  ['http://[::2]', false],
  ['app://obsidian.md', true],
  ['vscode-webview://abc', true],
  ['tauri://localhost', true],
  ['http://localhost.evil.test', false],
  ['http://evil.test', false],
  ['null', false],
  ['http://localhost:80@evil.test', false],
  ['http://my.site.test', true],
  ['http://a.wild.test:99', true],
  ['http://wild.test.evil', false],
])('Origin %s: allowed %s (§14.11)', async (origin, allowed) => {
  await serve({ origins: ['http://my.site.test', '*.wild.test:*'] });
  for (const method of ['GET', 'OPTIONS'] as const) {
    const reply = await get({ host: 'localhost', origin }, method);
    expect([method, reply.statusCode]).toEqual([method, allowed ? (method === 'GET' ? 200 : 204) : 403]);
    expect(reply.headers['access-control-allow-origin']).toBe(allowed ? origin : undefined);
  }
});

test('no Origin and the own origin are not CORS requests', async () => {
  await serve();
  const own: Record<string, string>[] = [
    { host: 'localhost:1' },
    { host: '192.168.1.5:1', origin: 'http://192.168.1.5:1' },
    { host: '[::1]:1', origin: 'https://[::1]:1' },
  ];
  for (const headers of own) {
    const reply = await get(headers);
    expect([reply.statusCode, reply.headers['access-control-allow-origin']]).toEqual([200, undefined]);
  }
});

test.each([
  ['loopback', true],
  ['all addresses', false],
])('a name that may have been pointed here is not the own origin, on %s', async (_, checkHost) => {
  await serve({ checkHost, apiKey: 'secret', needsKey: !checkHost });
  for (const name of ['evil.test', 'x.local:10692', 'evil.internal', '[::1].evil.com']) {
    for (const method of ['GET', 'POST', 'OPTIONS'] as const) {
      const headers = { host: name, origin: `http://${name}`, authorization: 'Bearer secret' };
      expect([name, (await get(headers, method)).statusCode]).toEqual([name, 403]);
    }
  }
  const listed = { origin: 'http://chat.test', authorization: 'Bearer secret' };
  await daemon.app.close();
  await serve({ checkHost, apiKey: 'secret', needsKey: !checkHost, origins: ['http://chat.test'] });
  expect((await get({ host: 'localhost', ...listed })).statusCode).toBe(200);
});

test('a preflight echoes the headers that were asked for, and private network access', async () => {
  await serve();
  const reply = await get(
    {
      host: 'localhost',
      origin: 'http://localhost:3000',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'anthropic-version,x-api-key',
      'access-control-request-private-network': 'true',
    },
    'OPTIONS',
    '/v1/messages',
  );
  expect([reply.statusCode, reply.headers]).toMatchObject([
    204,
    {
      'access-control-allow-headers': 'anthropic-version,x-api-key',
      'access-control-allow-private-network': 'true',
      'access-control-max-age': '43200',
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, HEAD',
    },
  ]);
});

test('the single * allows all', async () => {
  await serve({ origins: ['*'] });
  expect(
    (await get({ host: 'localhost', origin: 'http://anything.test' })).headers['access-control-allow-origin'],
  ).toBe('*');
});

test('with a key: Bearer or x-api-key, 401 in the envelope of the surface, a few open paths', async () => {
  await serve({ apiKey: 'secret' });
  const host = 'localhost';
  expect((await get({ host })).json()).toMatchObject({ error: 'unauthorized' });
  const openAi = await get({ host, authorization: 'Bearer wrong' }, 'GET', '/v1/models');
  expect([openAi.statusCode, openAi.json().error]).toMatchObject([
    401,
    { type: 'authentication_error', code: 'invalid_api_key' },
  ]);
  expect((await get({ host, authorization: 'Bearer secret' })).statusCode).toBe(200);
  expect((await get({ host, 'x-api-key': 'secret' })).statusCode).toBe(200);
  for (const url of ['/', '/health', '/api/version']) expect((await get({ host }, 'GET', url)).statusCode).toBe(200);
  expect((await get({ host }, 'POST', '/health')).statusCode).toBe(401);
});

test('without a key any credentials are accepted', async () => {
  await serve();
  expect((await get({ host: 'localhost', authorization: 'Bearer whatever' })).statusCode).toBe(200);
});

test('a request with an absurd Host over a real listener is refused', async () => {
  await serve();
  const address = await daemon.app.listen({ port: 0, host: '127.0.0.1' });
  const status = await new Promise((resolve, reject) => {
    httpRequest(`${address}/api/tags`, { headers: { host: 'rebound.example' } }, (reply) =>
      resolve(reply.resume().statusCode),
    )
      .on('error', reject)
      .end();
  });
  expect(status).toBe(403);
});
