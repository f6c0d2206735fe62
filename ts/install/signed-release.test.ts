import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StandInRegistry } from '../../scripts/release/registry.ts';
import { makeSigningKey, signatureOf } from '../../scripts/release/signing.ts';
import { ReleasesSite } from '../../scripts/release/site.ts';
import { RELEASE_KEYS } from '../../scripts/release-keys.ts';
import { archiveName, checksumsPackage, nativePackage } from '../../scripts/targets.ts';
import { type Config, type Installation, SETTINGS } from '../config/index.ts';
import { thisTarget } from '../engine/index.ts';
import { fetchVersion, latestVersion } from './fetch-version.ts';
import { networkOf } from './network.ts';
import { SignedList } from './signed-list.ts';

// What `omg update` takes from a site and a registry that mean harm: nothing.

const target = thisTarget()?.name ?? '';
const native = nativePackage(target);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'omg-signed-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

async function packed(name: string, files: Record<string, string>): Promise<string> {
  const top = name.endsWith('.tar.gz') ? name.replace('.tar.gz', '') : 'package';
  const stage = mkdtempSync(join(folder, '.pack-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(stage, top, path, '..'), { recursive: true });
    writeFileSync(join(stage, top, path), text);
  }
  const file = join(stage, name);
  await create({ gzip: true, cwd: stage, file }, [top]);
  return file;
}

const into = (): string => mkdtempSync(join(folder, 'into-'));
const unsigned = { code: 'signature_invalid' };

describe('a list', () => {
  const key = makeSigningKey();
  const list = Buffer.from(`${'0'.repeat(64)}  ohmygpu-1.0.0.tgz\n`);
  const open = (signature: string, keys: string[] = [key.publicKey]) =>
    SignedList.open(list, signature, { what: 'omg 1.0.0', site: 'a site' }, keys);

  test('is good when one of the keys has signed it', () => {
    const keys = [makeSigningKey().publicKey, key.publicKey];
    const signed = open(signatureOf(list, key), keys);
    expect(signed.files).toEqual(['ohmygpu-1.0.0.tgz']);
    expect(signed.sha256Of('ohmygpu-1.0.0.tgz')).toBe('0'.repeat(64));
    expect(() => signed.sha256Of('ohmygpu-1.0.1.tgz')).toThrow('does not name ohmygpu-1.0.1.tgz');
  });

  test.each(['', '\0', 'AAAA', 'MAYCAQACAQA=', `${'A'.repeat(96)}`, 'not base64 at all'])(
    'is not with %j',
    (signature) => {
      expect(() => open(signature)).toThrow('is not signed');
    },
  );

  test('is not by the real keys, nor by none', () => {
    const signature = signatureOf(list, key);
    expect(() => open(signature, [...RELEASE_KEYS])).toThrow('is not signed');
    expect(() => open(signature, [])).toThrow('is not signed');
    expect(() => SignedList.open(list, signature, { what: 'it', site: 'a site' })).toThrow('is not signed');
  });
});

describe('a releases site', () => {
  const installed = { by: 'archive' } as Installation;
  let site: ReleasesSite;
  const network = () => ({ registry: '', releases: site.url, keys: [site.key.publicKey] });
  const list = (version: string): string => `v${version}/SHA256SUMS`;
  const fetchIt = (version: string) => fetchVersion(installed, version, network(), into());

  beforeEach(async () => {
    site = await ReleasesSite.start();
    for (const version of ['1.0.0', '2.0.0'])
      site.publish(version, [await packed(archiveName(version, target), { data: version })]);
    return () => site.close();
  });

  test('gives what is signed', async () => {
    expect(await latestVersion(installed, network())).toBe('2.0.0');
    expect(existsSync(join(await fetchIt('2.0.0'), 'data'))).toBe(true);
  });

  test('that changes an archive together with its sum is refused', async () => {
    const other = await packed(archiveName('2.0.0', target), { data: 'harm' });
    const evil = await ReleasesSite.start();
    evil.publish('2.0.0', [other]);
    const sums = evil.file(list('2.0.0'));
    const archive = evil.file(`v2.0.0/${archiveName('2.0.0', target)}`);
    await evil.close();
    site.replace(list('2.0.0'), sums);
    site.replace(`v2.0.0/${archiveName('2.0.0', target)}`, archive);
    await expect(fetchIt('2.0.0')).rejects.toMatchObject(unsigned);
    // Signed by whoever made it, and nobody else.
    site.replace(`${list('2.0.0')}.sig`, signatureOf(sums, evil.key));
    await expect(fetchIt('2.0.0')).rejects.toMatchObject(unsigned);
    await expect(latestVersion(installed, network())).rejects.toMatchObject(unsigned);
  });

  test('without a signature is refused', async () => {
    site.replace(`${list('2.0.0')}.sig`, undefined);
    await expect(fetchIt('2.0.0')).rejects.toMatchObject({ ...unsigned, message: 'Release 2.0.0 has no signature.' });
  });

  test('that passes an old release off as a new one is refused', async () => {
    site.replace(list('2.0.0'), site.file(list('1.0.0')));
    site.replace(`${list('2.0.0')}.sig`, site.file(`${list('1.0.0')}.sig`));
    await expect(fetchIt('2.0.0')).rejects.toMatchObject(unsigned);
    // As the latest it is what it is; `omg update` does not go back to it unasked.
    expect(await latestVersion(installed, network())).toBe('1.0.0');
  });
});

describe('a registry', () => {
  const installed = { by: 'npm' } as Installation;
  let registry: StandInRegistry;
  const network = () => ({ registry: registry.url, releases: '', keys: [registry.key.publicKey] });
  const fetchIt = (version: string) => fetchVersion(installed, version, network(), into());

  async function publish(version: string, text = 'good'): Promise<void> {
    const root = {
      name: 'ohmygpu',
      version,
      bin: { omg: 'scripts/bin/omg.mjs' },
      optionalDependencies: { [native]: version },
    };
    const files = { 'package.json': JSON.stringify(root), 'scripts/bin/omg.mjs': text };
    registry.publish(await packed('root.tgz', files));
    const engine = { 'package.json': JSON.stringify({ name: native, version }), 'omg.node': text };
    registry.publish(await packed('native.tgz', engine));
  }

  beforeEach(async () => {
    registry = await StandInRegistry.start();
    for (const version of ['1.0.0', '2.0.0']) {
      await publish(version);
      await registry.sign(version);
    }
    return () => registry.close();
  });
  afterEach(() => {
    registry.tamper = undefined;
  });

  test('gives what is signed', async () => {
    expect(existsSync(join(await fetchIt('2.0.0'), 'node_modules', ...native.split('/'), 'omg.node'))).toBe(true);
  });

  test('whose packages have other bytes and a hash that fits them is refused', async () => {
    await publish('2.0.0', 'harm');
    await expect(fetchIt('2.0.0')).rejects.toMatchObject(unsigned);
    await registry.sign('2.0.0', { key: makeSigningKey() });
    await expect(fetchIt('2.0.0')).rejects.toMatchObject(unsigned);
  });

  test('whose engine alone is another is refused', async () => {
    const engine = { 'package.json': JSON.stringify({ name: native, version: '2.0.0' }), 'omg.node': 'harm' };
    registry.publish(await packed('native.tgz', engine));
    await expect(fetchIt('2.0.0')).rejects.toMatchObject({ ...unsigned, message: expect.stringContaining(native) });
  });

  test('that has a version of its own is refused', async () => {
    await publish('3.0.0', 'harm');
    await expect(fetchIt('3.0.0')).rejects.toMatchObject({ ...unsigned, message: 'omg 3.0.0 has no signature.' });
    // The signature of another version, under the name of this one.
    await registry.sign('2.0.0', { as: '3.0.0' });
    await expect(fetchIt('3.0.0')).rejects.toMatchObject(unsigned);
  });

  test.each([
    ['no list', {}],
    ['no signature', { SHA256SUMS: '' }],
    ['a list that is too long', { SHA256SUMS: ' '.repeat(100_000), 'SHA256SUMS.sig': 'AAAA' }],
    ['a folder for a list', { 'SHA256SUMS/x': '', 'SHA256SUMS.sig': 'AAAA' }],
  ])('whose package of checksums holds %s is refused', async (_, files) => {
    const manifest = { name: checksumsPackage, version: '2.0.0' };
    registry.publish(await packed('checksums.tgz', { 'package.json': JSON.stringify(manifest), ...files } as never));
    await expect(fetchIt('2.0.0')).rejects.toMatchObject(unsigned);
  });

  test('a package that is changed on its way is still told from one that means harm', async () => {
    registry.tamper = (name, bytes) => (name === 'ohmygpu' ? Buffer.concat([bytes, Buffer.from('x')]) : bytes);
    await expect(fetchIt('2.0.0')).rejects.toMatchObject({ code: 'checksum_mismatch' });
  });
});

test('no setting and no variable says what is trusted', () => {
  const names = Object.entries(SETTINGS).flatMap(([key, { env }]) => [key, ...env]);
  const asked = new Proxy({} as Config['settings'], { get: (_, name) => String(name) });
  expect(networkOf({ settings: asked } as Config)).not.toHaveProperty('keys');
  expect(names.filter((name) => /sign|trust|update.*key|release.*key/i.test(name))).toEqual([]);
});
