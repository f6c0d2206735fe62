import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveName, nativePackage } from '../../scripts/targets.ts';
import type { Installation } from '../config/index.ts';
import { thisTarget } from '../engine/index.ts';
import { OmgError } from '../errors/index.ts';
import type { Network } from './network.ts';
import { Registry } from './registry.ts';
import { ReleaseSite } from './release-site.ts';
import { isVersion } from './version-order.ts';

/** The newest version where this installation came from. Throws `download_failed`. */
export async function latestVersion({ by }: Installation, network: Network): Promise<string> {
  if (by === 'archive') return (await new ReleaseSite(network).release(targetName())).version;
  const version = await Registry.use(
    network,
    async (registry) => (await registry.manifest('ohmygpu', 'latest')).version,
  );
  if (isVersion(version)) return version;
  throw new OmgError('download_failed', `${network.registry} names ${JSON.stringify(version)} as the newest version.`);
}

/** Puts a version together in an empty folder, each part checked against the signed list of its release. Gives the root of the program in it. */
export async function fetchVersion(
  { by }: Installation,
  version: string,
  network: Network,
  folder: string,
): Promise<string> {
  return by === 'archive' ? fromArchive(version, network, folder) : fromRegistry(version, network, folder);
}

async function fromArchive(version: string, network: Network, folder: string): Promise<string> {
  const site = new ReleaseSite(network);
  const release = await site.release(targetName(), version);
  const file = join(folder, release.archive);
  await site.download(release, file);
  const { extract } = await import('tar');
  await extract({ file, cwd: folder });
  await rm(file);
  return join(folder, archiveName(version, targetName()).replace('.tar.gz', ''));
}

/** The packages as npm lays them out; nothing of them is run. */
async function fromRegistry(version: string, network: Network, folder: string): Promise<string> {
  const root = join(folder, 'ohmygpu');
  await Registry.use(network, async (registry) => {
    const list = await registry.signedList(version);
    await registry.extract('ohmygpu', version, root, list);
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Partial<RootManifest>;
    const { dependencies = {}, optionalDependencies = {} } = manifest;
    const foreign = Object.keys(dependencies).filter((name) => !name.startsWith('@ohmygpu/'));
    const oldestNode = /^>=(\d+)\.(\d+)\.(\d+)$/.exec(manifest.engines?.node ?? '');
    if (foreign.length > 0) throw needsNpm(version, `needs ${foreign.join(', ')}`);
    if (oldestNode !== null && !isNodeAtLeast(oldestNode.slice(1).map(Number))) {
      throw needsNpm(version, `needs Node ${manifest.engines?.node}, and this is ${process.versions.node}`);
    }
    const lost = Object.values(manifest.bin ?? {}).filter((path) => !existsSync(join(root, path)));
    if (lost.length > 0 || manifest.bin?.omg !== 'scripts/bin/omg.mjs')
      throw needsNpm(version, 'is laid out differently');
    const native = nativePackage(targetName());
    const parts = { ...dependencies, [native]: optionalDependencies[native] ?? version };
    for (const [name, wanted] of Object.entries(parts)) {
      await registry.extract(name, wanted, join(root, 'node_modules', ...name.split('/')), list);
    }
  });
  return root;
}

interface RootManifest {
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  engines: { node: string };
  bin: Record<string, string>;
}

function isNodeAtLeast(oldest: number[]): boolean {
  const have = process.versions.node.split('.').map(Number);
  for (const [at, part] of oldest.entries()) {
    if ((have[at] ?? 0) !== part) return (have[at] ?? 0) > part;
  }
  return true;
}

function needsNpm(version: string, why: string): OmgError {
  return new OmgError('unsupported', `omg ${version} ${why}.`, {
    hint: `Install it with \`npm install -g ohmygpu@${version}\`.`,
  });
}

function targetName(): string {
  const target = thisTarget();
  if (target === undefined) {
    throw new OmgError('unsupported', `There are no releases for ${process.platform}-${process.arch}.`);
  }
  return target.name;
}
