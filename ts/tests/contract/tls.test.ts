import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from '../../client/index.ts';
import { loadConfig } from '../../config/index.ts';
import { tlsServerFactory } from '../../daemon/index.ts';
import { selfSigned } from './self-signed.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

const folder = mkdtempSync(join(tmpdir(), 'omg-tls-'));
const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
const first = selfSigned('first.test');
let served: TestDaemon;

function write({ cert, key }: { cert: string; key: string }): void {
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
}

beforeAll(async () => {
  write(first);
  served = await testDaemon({ env: { OMG_TLS_CERT: files.cert, OMG_TLS_KEY: files.key } });
  await served.install('tiny');
});
afterAll(async () => {
  await served.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The name in the certificate that a port shows, and the status of `/health`. */
function look(port: number, ca: string): Promise<{ name: unknown; status: number | undefined }> {
  return new Promise((resolve, reject) => {
    request(
      { host: '127.0.0.1', port, path: '/health', ca, checkServerIdentity: () => undefined, agent: false },
      (reply) => {
        const name = (reply.socket as TLSSocket).getPeerCertificate().subject.CN;
        reply.resume().once('end', () => resolve({ name, status: reply.statusCode }));
      },
    )
      .on('error', reject)
      .end();
  });
}

test('the daemon speaks TLS with the certificate, and nothing else', async () => {
  expect(served.url).toMatch(/^https:/);
  expect(await look(served.daemon.endpoint.port, first.cert)).toEqual({ name: 'first.test', status: 200 });
  await expect(fetch(`http://127.0.0.1:${served.daemon.endpoint.port}/health`)).rejects.toThrow();
});

test('the command line finds it by its settings, over TCP as well', async () => {
  const env = {
    OMG_HOME: served.config.paths.home,
    OMG_SOCKET: 'off',
    OMG_HOST: `127.0.0.1:${served.daemon.endpoint.port}`,
  };
  const trusting = await loadConfig({ env: { ...env, OMG_TLS_CERT: files.cert, OMG_TLS_KEY: files.key }, cwd: folder });
  expect((await Client.of(trusting).status()).url).toBe(served.url);
  const strange = await loadConfig({ env: { ...env, OMG_HOST: `https://${env.OMG_HOST}` }, cwd: folder });
  await expect(Client.of(strange).status()).rejects.toMatchObject({ code: 'daemon_not_running' });
});

test('chats stream over TLS', async () => {
  const pieces: string[] = [];
  for await (const { type } of served.client.chat({ model: 'tiny', messages: [{ role: 'user', content: 'x' }] })) {
    pieces.push(type);
  }
  expect(pieces.at(-1)).toBe('end');
});

test('a renewed certificate is shown to new connections, a broken one is not', async () => {
  const told: string[] = [];
  const events = {
    onReload: () => void told.push('new'),
    onError: ({ code }: { code: string }) => void told.push(code),
  };
  const server = tlsServerFactory(files, events, 20)((_, reply) => void reply.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  expect((await look(port, first.cert)).name).toBe('first.test');
  writeFileSync(files.cert, 'no certificate');
  await expect.poll(() => told).toContain('invalid_config');
  expect((await look(port, first.cert)).name).toBe('first.test');
  const second = selfSigned('second.test');
  write(second);
  await expect.poll(() => told.at(-1)).toBe('new');
  expect((await look(port, second.cert)).name).toBe('second.test');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test.each([
  [{ OMG_TLS_CERT: files.cert }, /tls_key/],
  [{ OMG_TLS_CERT: join(folder, 'nope.pem'), OMG_TLS_KEY: files.key }, /nope\.pem/],
])('with %j the daemon does not start', async (env, message) => {
  await expect(testDaemon({ env })).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringMatching(message),
  });
});
