import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { json, omg } from './run-omg.ts';
import { testDaemon } from './serve.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'omg-keys-'));
  vi.stubEnv('OMG_HOME', home);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

test('create prints the secret alone to stdout, once; list and revoke never show it', async () => {
  const created = await omg(['keys', 'create', '--name', 'webui', '--expires', '30d', '--rate', '60/m']);
  expect(created).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^omg_[0-9a-f]{8}_[\w-]{43}\n$/) });
  const secret = created.stdout.trim();
  expect(created.stderr).not.toContain(secret);
  expect(created.stderr).toContain('the first key');
  const list = await omg(['keys']);
  expect(list.stdout).toMatch(
    /^ID +NAME +SCOPES +CREATED +EXPIRES +RATE\n[0-9a-f]{8} +webui +inference +\d{4}-.* 60\/m/,
  );
  const revoked = await omg(['keys', 'revoke', 'webui']);
  expect([revoked.exitCode, revoked.stderr]).toEqual([0, expect.stringContaining('No key is left')]);
  expect((await omg(['keys', 'list'])).stdout).toBe('');
  for (const text of [list.stdout, revoked.stdout, revoked.stderr, readFileSync(join(home, 'keys.json'), 'utf8')]) {
    expect(text).not.toContain(secret.slice('omg_00000000_'.length));
  }
});

test('the last key gone, this machine gets in again only by being let in', async () => {
  const served = await testDaemon({ home });
  const status = async (): Promise<number> => (await fetch(`${served.url}/v1/models`)).status;
  expect(await status()).toBe(200);
  await omg(['keys', 'create', '--name', 'a']);
  expect(await status()).toBe(401);
  expect(await omg(['keys', 'open'])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('keys revoke a') });
  const revoked = await omg(['keys', 'revoke', 'a']);
  expect(revoked.stderr).toContain('omg keys open');
  expect((await omg(['keys'])).stderr).toContain('omg keys open');
  expect(await status()).toBe(401);
  expect((await omg(['keys', 'open'])).exitCode).toBe(0);
  expect(await status()).toBe(200);
  await served.stop();
});

test('--json gives the key with everything that was chosen', async () => {
  const args = ['keys', 'create', '--scope', 'inference,manage', '--concurrency', '2', '--rate', '5/s'];
  expect(await json(args)).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}$/),
    name: 'key-1',
    scopes: ['inference', 'manage'],
    created: expect.stringContaining('T'),
    rate: '5/s',
    concurrency: 2,
    key: expect.stringMatching(/^omg_/),
  });
  expect(await json(['keys', 'list'])).toMatchObject([{ name: 'key-1', concurrency: 2 }]);
});

test.each([
  [['--scope', 'all'], /--scope/],
  [['--scope', ''], /--scope/],
  [['--rate', 'fast'], /rate/],
  [['--expires', 'never'], /--expires/],
  [['--expires', '2001-01-01'], /past/],
  [['--concurrency', '0'], /--concurrency/],
  [['--name', '../x'], /--name/],
])('create %j is refused and makes nothing', async (args, message) => {
  const { exitCode, stderr } = await omg(['keys', 'create', ...args]);
  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
  expect(await json(['keys', 'list'])).toEqual([]);
});

test('completion knows tools and the names of keys', async () => {
  await omg(['keys', 'create', '--name', 'webui']);
  const words = async (...line: string[]) =>
    (await omg(['completion', 'words', '--', ...line])).stdout.trim().split('\n');
  expect(await words('keys', 'revoke', '')).toEqual(['webui']);
  expect(await words('launch', 'c')).toEqual(['claude', 'codex']);
});

test('beyond this machine a daemon starts only with a key, and then asks for it', async () => {
  const env = { OMG_HOST: '0.0.0.0' };
  await expect(testDaemon({ env, home })).rejects.toMatchObject({ code: 'invalid_config' });
  const secret = (await omg(['keys', 'create', '--name', 'net'])).stdout.trim();
  const served = await testDaemon({ env, home });
  const status = async (key: string): Promise<number> =>
    (await fetch(`${served.url}/v1/models`, { headers: { 'x-api-key': key } })).status;
  expect([await status(secret), await status('wrong')]).toEqual([200, 401]);
  // The last key gone, nobody gets in any more.
  await omg(['keys', 'revoke', 'net']);
  expect([await status(secret), await status('')]).toEqual([401, 401]);
  await served.stop();
});
