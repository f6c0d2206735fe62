import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hashOf, inCheckout, stampIs, writeStamp } from './checkout.mjs';
import { runNpm } from './npm.mjs';
import { timed } from './say.mjs';

/** All that the addon is built from. A native package names their hash, as `rustSources` in its manifest. */
const RUST_SOURCES = ['crates', 'Cargo.toml', 'Cargo.lock'];

export function rustSources() {
  return hashOf(RUST_SOURCES);
}

/**
 * Puts the published addon of this version at `dist/native/omg.node`, where one was built from exactly these sources: compiling takes minutes and
 * a Rust toolchain. Returns false where there is none, and where an addon was built here already, which cargo keeps up to date.
 */
export async function takePrebuiltAddon({
  sources = rustSources(),
  addon = inCheckout('dist', 'native', 'omg.node'),
  registry,
} = {}) {
  const stamp = join(dirname(addon), '.prebuilt');
  if (existsSync(addon) && !existsSync(stamp)) return false;
  if (existsSync(addon) && stampIs(stamp, sources)) return true;
  rmSync(stamp, { force: true });
  const spec = await publishedPackage();
  if (spec === undefined) return false;
  // A checkout without a network, or of a version that is not out yet, goes on to build at once.
  const impatient = ['--fetch-retries=0', '--fetch-timeout=10000', ...(registry ? ['--registry', registry] : [])];
  const view = await runNpm(['view', spec, 'rustSources', '--json', ...impatient]);
  if (view.code !== 0 || parsed(view.stdout) !== sources) return false;
  return timed('Downloading the engine', 'Downloaded the engine', () =>
    install(spec, addon, stamp, sources, impatient),
  );
}

/** Such as `@ohmygpu/native-linux-x64-gnu@0.1.0`; undefined on a platform without one. */
async function publishedPackage() {
  const { thisTarget } = await import('../../ts/engine/native/platform.ts');
  const { nativePackage } = await import('../targets.ts');
  const target = thisTarget();
  const { version } = JSON.parse(readFileSync(inCheckout('package.json'), 'utf8'));
  return target === undefined ? undefined : `${nativePackage(target.name)}@${version}`;
}

async function install(spec, addon, stamp, sources, flags) {
  mkdirSync(dirname(addon), { recursive: true });
  const folder = mkdtempSync(join(dirname(addon), '.prebuilt-'));
  try {
    const name = spec.slice(0, spec.lastIndexOf('@'));
    const args = ['install', spec, '--prefix', folder, '--no-save', '--ignore-scripts', '--no-package-lock'];
    const found = join(folder, 'node_modules', ...name.split('/'), 'omg.node');
    if ((await runNpm([...args, ...flags])).code !== 0 || !existsSync(found)) return false;
    copyFileSync(found, join(folder, 'omg.node'));
    renameSync(join(folder, 'omg.node'), addon);
    writeStamp(stamp, sources);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
