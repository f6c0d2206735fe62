import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OmgError } from '../../errors/index.ts';

/** The C libraries a package may be built for; npm installs the one that fits, so the first that is there is tried first. */
const LIBRARIES: Partial<Record<NodeJS.Platform, string[]>> = {
  linux: ['-gnu', '-musl'],
  win32: ['-msvc'],
  darwin: [''],
};

/** Files that may be the addon of this platform, best first. A path that was given is the only candidate. */
export function addonCandidates(explicit?: string): string[] {
  if (explicit !== undefined && explicit !== '') return [explicit];
  const candidates: string[] = [];
  const root = packageRoot();
  if (root !== undefined) {
    const built = join(root, 'dist', 'native', 'omg.node');
    if (existsSync(built)) candidates.push(built);
  }
  const { resolve } = createRequire(import.meta.url);
  for (const library of LIBRARIES[process.platform] ?? []) {
    try {
      candidates.push(resolve(`@ohmygpu/native-${process.platform}-${process.arch}${library}`));
    } catch {
      // Not installed for this C library.
    }
  }
  return candidates;
}

/** @param reason what the last candidate said; absent when there was none. */
export function addonUnavailable(candidates: string[], reason?: string): OmgError {
  const platform = `${process.platform}-${process.arch}`;
  const inCheckout = existsSync(join(packageRoot() ?? '', 'crates', 'omg-node'));
  return new OmgError(
    'addon_unavailable',
    reason === undefined
      ? `The native engine is not installed for ${platform}.`
      : `The native engine does not work: ${reason}`,
    {
      hint: inCheckout
        ? 'Build it with `npm run build` in the checkout.'
        : 'Install it again with `npm install -g ohmygpu`; `omg doctor` tells more.',
      detail: { platform, tried: candidates.length },
    },
  );
}

/** The folder of the `ohmygpu` package that this module belongs to. */
function packageRoot(): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && isOurs(manifest)) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

function isOurs(manifest: string): boolean {
  try {
    return (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown }).name === 'ohmygpu';
  } catch {
    return false;
  }
}
