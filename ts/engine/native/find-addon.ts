import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { nativePackage } from '../../../scripts/targets.ts';
import { installation, VERSION } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { thisTarget } from './platform.ts';

/** A file that may be the addon of this platform. */
export interface AddonCandidate {
  path: string;
  /** `given` (by a caller), `built` (in this checkout), a backend such as `cuda`, `metal`, or `cpu`. */
  flavour: string;
  /** Why it is not to be tried. */
  problem?: string;
}

export interface AddonSearch {
  /** The only candidate, where it is given. */
  explicit?: string;
  /** Folder of the backends that `omg backend install` brought, one folder each. */
  backends?: string;
}

/** What `omg backend install` writes beside an addon. */
export interface InstalledBackend {
  package: string;
  version: string;
  /** Of the package that the registry named and that was checked, as in a lock file. */
  integrity: string;
  installedAt: string;
}

const ADDON_FILE = 'omg.node';

/** Files that may be the addon of this platform, best first. */
export function addonCandidates({ explicit, backends }: AddonSearch = {}): AddonCandidate[] {
  if (explicit !== undefined && explicit !== '') return [{ path: explicit, flavour: 'given' }];
  const candidates: AddonCandidate[] = [];
  const { by, root } = installation();
  const built = join(root ?? '', 'dist', 'native', ADDON_FILE);
  if (by === 'checkout' && existsSync(built)) candidates.push({ path: built, flavour: 'built' });
  if (backends !== undefined) candidates.push(...installedBackends(backends));
  const target = thisTarget();
  if (target === undefined) return candidates;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${nativePackage(target.name)}/package.json`);
    candidates.push({
      path: join(dirname(manifest), ADDON_FILE),
      flavour: target.features[0] ?? 'cpu',
      ...problemOf(versionIn(manifest), nativePackage(target.name)),
    });
  } catch {
    // Not installed.
  }
  return candidates;
}

/** The backends below a folder, whether they fit this version or not. */
export function installedBackends(folder: string): AddonCandidate[] {
  return ['cuda'].flatMap((name): AddonCandidate[] => {
    const path = join(folder, name, ADDON_FILE);
    if (!existsSync(path)) return [];
    return [
      { path, flavour: name, ...problemOf(versionIn(join(folder, name, 'backend.json')), `the backend ${name}`) },
    ];
  });
}

function problemOf(version: string | undefined, what: string): { problem?: string } {
  if (version === VERSION) return {};
  return { problem: `${what} has version ${version ?? 'unknown'}, and this is ${VERSION}` };
}

function versionIn(manifest: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

/** @param reason what the last candidate said; absent when there was none. */
export function addonUnavailable(candidates: AddonCandidate[], reason?: string): OmgError {
  const platform = `${process.platform}-${process.arch}`;
  const target = thisTarget();
  const { by, repair } = installation();
  const detail = { platform, target: target?.name ?? null, tried: candidates.map(({ path }) => path) };
  const again = by === 'checkout' ? `Build it with \`${repair}\` in the checkout.` : `Install it again: \`${repair}\``;
  if (reason !== undefined) {
    return new OmgError('addon_unavailable', `The native engine does not work: ${reason}`, { hint: again, detail });
  }
  if (target === undefined && by !== 'checkout') {
    return new OmgError('addon_unavailable', `There is no ready-made engine for ${platform}.`, {
      hint: 'Build it from the sources: https://github.com/ohmygpu/ohmygpu',
      detail,
    });
  }
  const missing = by === 'checkout' || target === undefined ? platform : `${platform} (${nativePackage(target.name)})`;
  return new OmgError('addon_unavailable', `The native engine is not installed for ${missing}.`, {
    hint: again,
    detail,
  });
}
