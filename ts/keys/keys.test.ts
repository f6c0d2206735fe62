import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeyFile } from './key-file.ts';
import { KeyRing } from './key-ring.ts';
import { formatRate, parseRate } from './rate.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'omg-keys-'));
  path = join(folder, 'keys.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a key is found by its secret, which is not in the file', async () => {
  const { key, secret } = await new KeyFile(path).create({ name: 'a', scopes: ['inference'] });
  expect(secret).toMatch(new RegExp(`^omg_${key.id}_[\\w-]{43}$`));
  expect(readFileSync(path, 'utf8')).not.toContain(secret.slice(13));
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
  const ring = new KeyRing({ settingsKey: '', path });
  expect(ring.find(['nope', secret])).toMatchObject({ id: key.id, name: 'a', scopes: ['inference'] });
  expect([ring.find([]), ring.find([`${secret}x`]), ring.find([key.hash])]).toEqual([undefined, undefined, undefined]);
});

test('a ring follows its file: created, revoked and removed keys count at once', async () => {
  const ring = new KeyRing({ settingsKey: '', path });
  const file = new KeyFile(path);
  expect(ring.isOpen).toBe(true);
  const first = await file.create({ name: 'a', scopes: ['inference'] });
  const second = await file.create({ name: 'b', scopes: ['manage'] });
  expect([ring.isOpen, ring.find([first.secret])?.name, ring.find([second.secret])?.name]).toEqual([false, 'a', 'b']);
  await file.revoke('a');
  expect([ring.find([first.secret]), ring.find([second.secret])?.name]).toEqual([undefined, 'b']);
  await file.revoke(second.key.id);
  expect([ring.isOpen, ring.find([second.secret])]).toEqual([false, undefined]);
});

test('once there was a key one is needed, until that is taken back', async () => {
  const ring = new KeyRing({ settingsKey: '', path });
  const file = new KeyFile(path);
  await file.create({ name: 'a', scopes: ['inference'], expires: new Date(0) });
  await expect(file.open()).rejects.toMatchObject({ code: 'conflict' });
  expect(ring.isOpen).toBe(false);
  await file.revoke('a');
  expect([ring.isOpen, new KeyRing({ settingsKey: '', path }).isOpen, file.exists]).toEqual([false, false, true]);
  await file.open();
  await file.open();
  expect([ring.isOpen, new KeyRing({ settingsKey: '', path }).isOpen, file.exists]).toEqual([true, true, false]);
  expect(new KeyRing({ settingsKey: 'chosen', path }).isOpen).toBe(false);
});

test('the key of the settings may do everything', () => {
  const ring = new KeyRing({ settingsKey: 'chosen', path });
  expect(ring.find(['chosen'])?.scopes).toEqual(['inference', 'manage']);
  expect([ring.isOpen, ring.find([''])]).toEqual([false, undefined]);
});

test('a damaged file is refused at the start, and later leaves the keys as they were', async () => {
  const { secret } = await new KeyFile(path).create({ name: 'a', scopes: ['inference'] });
  const errors: string[] = [];
  const ring = new KeyRing({ settingsKey: '', path, onError: ({ code }) => void errors.push(code) });
  writeFileSync(path, '{"keys":[{}]}');
  expect(ring.find([secret])?.name).toBe('a');
  expect(errors).toEqual(['invalid_config']);
  expect(() => new KeyRing({ settingsKey: '', path })).toThrow(expect.objectContaining({ code: 'invalid_config' }));
});

test('keys that are created together are all kept, and a name is taken once', async () => {
  const create = (name: string) => new KeyFile(path).create({ name, scopes: ['inference'] });
  await Promise.all(['a', 'b', 'c', 'd'].map(create));
  expect(
    new KeyFile(path)
      .read()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['a', 'b', 'c', 'd']);
  await expect(create('a')).rejects.toMatchObject({ code: 'conflict' });
  await expect(new KeyFile(path).revoke('nope')).rejects.toMatchObject({ code: 'not_found' });
});

test.each([
  ['5/s', { count: 5, perMs: 1000 }],
  ['60/m', { count: 60, perMs: 60_000 }],
  ['1000/h', { count: 1000, perMs: 3_600_000 }],
])('the rate %s is read and written', (text, rate) => {
  expect(parseRate(text)).toEqual(rate);
  expect(formatRate(rate)).toBe(text);
});

test.each(['', '5', '0/s', '5/w', '-1/s', '1.5/s'])('the rate "%s" is refused', (text) => {
  expect(() => parseRate(text)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
});
