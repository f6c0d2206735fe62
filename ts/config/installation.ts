import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Who put this program where it is. `archive`: install.sh or a hand that unpacked a release. */
export type InstalledBy = 'checkout' | 'archive' | 'npm' | 'npm-project' | 'npx' | 'pnpm' | 'yarn' | 'bun' | 'unknown';

export interface Installation {
  by: InstalledBy;
  /** The folder of the `ohmygpu` package; undefined where it cannot be told. */
  root: string | undefined;
  /** The command that installs it again, whole. */
  repair: string;
}

/** Lies in the root of a release archive. */
export const RELEASE_FILE = 'release.json';

const REPAIRS: Record<InstalledBy, string> = {
  checkout: 'npm run build',
  archive:
    process.platform === 'win32'
      ? 'irm https://get.ohmygpu.com/install.ps1 | iex'
      : "curl --proto '=https' --tlsv1.2 -fsSL https://get.ohmygpu.com | sh",
  npm: 'npm install -g ohmygpu --include=optional',
  'npm-project': 'npm install ohmygpu --include=optional',
  npx: 'npm install -g ohmygpu --include=optional',
  pnpm: 'pnpm add -g ohmygpu',
  yarn: 'yarn global add ohmygpu',
  bun: 'bun add -g ohmygpu',
  unknown: 'npm install -g ohmygpu --include=optional',
};

/** How the program that asks was installed. @param from a file or folder inside it. */
export function installation(from: string = fileURLToPath(import.meta.url)): Installation {
  const root = packageRoot(from);
  const by = root === undefined ? 'unknown' : installedBy(root);
  return { by, root, repair: REPAIRS[by] };
}

function installedBy(root: string): InstalledBy {
  if (existsSync(join(root, 'crates', 'omg-node'))) return 'checkout';
  if (existsSync(join(root, RELEASE_FILE))) return 'archive';
  const words = root.split(sep);
  if (words.includes('_npx')) return 'npx';
  if (words.includes('.pnpm')) return 'pnpm';
  if (words.includes('.bun')) return 'bun';
  const modules = dirname(root);
  if (basename(modules) !== 'node_modules') return 'unknown';
  // npm's own global folder has no package.json above it, that of yarn and every project has.
  const manifest = join(dirname(modules), 'package.json');
  if (!existsSync(manifest)) return 'npm';
  return words.includes('yarn') && words.includes('global') ? 'yarn' : 'npm-project';
}

function packageRoot(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (isOurs(join(folder, 'package.json'))) return folder;
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
