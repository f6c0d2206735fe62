import { execFileSync, spawnSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeSigningKey, signatureOf, signingKeyFrom } from './signing.ts';

const LIST = `${'0'.repeat(64)}  ohmygpu-1.0.0.tgz\n`;
const key = makeSigningKey();
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
let folder;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'omg-signing-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const script = (name, args, env = {}) =>
  spawnSync(process.execPath, [join(import.meta.dirname, name), ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });

test.skipIf(!hasOpenssl)('openssl checks a signature', () => {
  const path = (name) => join(folder, name);
  const pem = createPublicKey(key.privateKey).export({ format: 'pem', type: 'spki' });
  writeFileSync(path('key.pem'), pem);
  writeFileSync(path('list'), LIST);
  writeFileSync(path('list.sig'), signatureOf(LIST, key));
  execFileSync('openssl', ['base64', '-d', '-in', path('list.sig'), '-out', path('der')]);
  const args = ['dgst', '-sha256', '-verify', path('key.pem'), '-signature', path('der'), path('list')];
  expect(execFileSync('openssl', args, { encoding: 'utf8' })).toBe('Verified OK\n');
});

test('a key as the scripts hold it is a fixed head and the point, which is what Windows wants', () => {
  const der = Buffer.from(key.publicKey, 'base64');
  const head = Buffer.from('MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE', 'base64');
  expect(der.subarray(0, head.length)).toEqual(head);
  const point = der.subarray(head.length);
  expect(point).toHaveLength(64);
  const [x, y] = [point.subarray(0, 32), point.subarray(32)].map((half) => half.toString('base64url'));
  const again = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  expect(verify('sha256', Buffer.from(LIST), again, Buffer.from(signatureOf(LIST, key), 'base64'))).toBe(true);
});

test('a private key leads to its public one, and other keys are refused', () => {
  expect(signingKeyFrom(key.privateKey)).toEqual(key);
  expect(() => signingKeyFrom('nothing')).toThrow();
});

test.each([
  ['no key', '', 'a release has to be signed'],
  ['no key at all', 'a password', 'holds no private key'],
  ['a key that nobody trusts', key.privateKey, 'does not belong to any key'],
])('a release is not finished with %s, and the text of the secret is not printed', (_, secret, message) => {
  const { status, stderr, stdout } = script('finish.mjs', [folder, folder], { RELEASE_SIGNING_KEY: secret });
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(message) });
  if (secret !== '') expect(`${stderr}${stdout}`).not.toContain(secret.slice(0, 40));
  expect(existsSync(join(folder, 'SHA256SUMS'))).toBe(false);
});

test('a new private key is not made inside the checkout, nor over another file', () => {
  const inside = script('new-key.mjs', ['--out', join(import.meta.dirname, 'key.pem')]);
  expect(inside).toMatchObject({ status: 1, stderr: expect.stringContaining('must not lie in the checkout') });
  const file = join(folder, 'taken');
  writeFileSync(file, 'mine');
  const taken = script('new-key.mjs', ['--out', file]);
  expect(taken).toMatchObject({ status: 1, stderr: expect.stringContaining('could not be written') });
  expect(statSync(file).size).toBe(4);
});
