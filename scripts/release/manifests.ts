import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CUDA, checksumsPackage, nativePackage, TARGETS, type Target } from '../targets.ts';

const ROOT = join(import.meta.dirname, '..', '..');

export type Manifest = Record<string, unknown> & { name: string; version: string };

/** package.json of the checkout, or of a folder of it. */
export function manifestIn(...folder: string[]): Manifest {
  return JSON.parse(readFileSync(join(ROOT, ...folder, 'package.json'), 'utf8')) as Manifest;
}

/** The manifests of the native packages with their folders in npm/; one for each target, then its CUDA flavours. */
export function platformManifests(): [folder: string, manifest: Manifest][] {
  const plain = TARGETS.map((target) => platformManifest(target));
  const cuda = TARGETS.filter(({ name }) => CUDA.targets.includes(name)).flatMap((target) =>
    CUDA.capabilities.map((capability) => platformManifest(target, capability)),
  );
  return [...plain, ...cuda].map((manifest) => [manifest.name.replace('@ohmygpu/', ''), manifest]);
}

function platformManifest(target: Target, capability?: number): Manifest {
  const { version, license, repository } = manifestIn();
  const device =
    capability === undefined ? (target.features[0] ?? 'CPU') : `CUDA, compute capability ${capability / 10}`;
  return {
    name: nativePackage(target.name, capability),
    version,
    description: `The native engine of ohmygpu for ${target.name} (${device}).`,
    license,
    repository: {
      ...(repository as object),
      directory: `npm/${nativePackage(target.name, capability).replace('@ohmygpu/', '')}`,
    },
    os: [target.os],
    cpu: [target.cpu],
    ...(target.libc === undefined ? {} : { libc: [target.libc] }),
    main: 'omg.node',
    files: ['omg.node', 'THIRD-PARTY-LICENSES.txt'],
  };
}

/** The manifest of the package that holds the signed list of a release. */
export function checksumsManifest(): Manifest {
  const { version, license, repository } = manifestIn();
  return {
    name: checksumsPackage,
    version,
    description: 'SHA-256 of the packages and archives of ohmygpu in this version, and the signature over them.',
    license,
    repository: { ...(repository as object), directory: 'npm/checksums' },
    files: ['SHA256SUMS', 'SHA256SUMS.sig'],
  };
}

/**
 * package.json as it is published: the development parts go, the native packages come in as optional dependencies, which a bare clone
 * could not install before they are published. What the bundle holds needs no dependency, so only those that it still imports stay.
 */
export function publishedManifest(): Manifest {
  const { devDependencies, workspaces, scripts, dependencies, files, ...rest } = manifestIn();
  const needed = bareImportsOf(join(ROOT, 'dist'));
  const stay = Object.entries(dependencies as Record<string, string>).filter(
    ([name]) => name.startsWith('@ohmygpu/') || needed.has(name),
  );
  return {
    ...rest,
    files: [...(files as string[]), 'THIRD-PARTY-LICENSES.txt'],
    dependencies: Object.fromEntries(stay),
    optionalDependencies: Object.fromEntries(TARGETS.map(({ name }) => [nativePackage(name), rest.version])),
  } as Manifest;
}

/** Packages that the files of a bundle import by name. */
function bareImportsOf(folder: string): Set<string> {
  const found = new Set<string>();
  if (!existsSync(folder)) return found;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.js'),
  );
  for (const { parentPath, name } of files) {
    const text = readFileSync(`${parentPath}/${name}`, 'utf8');
    for (const match of text.matchAll(
      /(?:\bfrom|\bimport)\s*\(?\s*["'`]((?:@[\w.-]+\/)?[\w.-]+)(?:\/[^"'`]*)?["'`]/g,
    )) {
      found.add(match[1] ?? '');
    }
  }
  return found;
}
