import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { thisTarget } from '../../ts/engine/native/platform.ts';
import { packNative } from '../release/pack.mjs';
import { StandInRegistry } from '../release/registry.ts';
import { nativePackage } from '../targets.ts';
import { inCheckout } from './checkout.mjs';
import { rustSources, takePrebuiltAddon } from './prebuilt.mjs';

const { version } = JSON.parse(readFileSync(inCheckout('package.json'), 'utf8'));
let folder;
let registry;
let addon;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'omg-prebuilt-'));
  addon = join(folder, 'dist', 'omg.node');
  registry = await StandInRegistry.start();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
});

async function publish() {
  const target = thisTarget();
  const file = join(folder, 'built.node');
  writeFileSync(file, 'a library');
  const { os, cpu, libc } = target;
  const manifest = { name: nativePackage(target.name), version, description: 'The engine.', os: [os], cpu: [cpu] };
  if (libc !== undefined) manifest.libc = [libc];
  registry.publish(
    await packNative(join(folder, 'stage'), manifest, { addon: file, out: folder, triple: target.triple }),
  );
}

const use = (sources) => takePrebuiltAddon({ addon, registry: registry.url, ...(sources ? { sources } : {}) });

test('the published addon is used where it was built from the sources that lie here', async () => {
  await publish();
  expect(await use()).toBe(true);
  expect(readFileSync(addon, 'utf8')).toBe('a library');
  const asked = registry.requests.length;
  expect(await use()).toBe(true);
  expect(registry.requests).toHaveLength(asked);
}, 60_000);

test('changed sources are built, also where a published addon lies here', async () => {
  await publish();
  expect(await use('changed')).toBe(false);
  expect(existsSync(addon)).toBe(false);
  await use();
  expect(await use('changed')).toBe(false);
}, 60_000);

test('an addon that was built here is left to cargo, and nothing is asked of the registry', async () => {
  mkdirSync(join(folder, 'dist'));
  writeFileSync(addon, 'mine');
  expect(await use(rustSources())).toBe(false);
  expect(readFileSync(addon, 'utf8')).toBe('mine');
  expect(registry.requests).toEqual([]);
});

test('a version that is not published, and an archive that was changed on its way, are built', async () => {
  expect(await use()).toBe(false);
  await publish();
  // What npm packed itself is in its cache, verified.
  vi.stubEnv('npm_config_cache', join(folder, 'cache'));
  registry.tamper = (_name, bytes) => Buffer.concat([bytes, Buffer.from('x')]);
  expect(await use()).toBe(false);
  expect(existsSync(addon)).toBe(false);
}, 60_000);
