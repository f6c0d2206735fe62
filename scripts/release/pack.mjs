import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { inCheckout } from '../setup/checkout.mjs';
import { runCommand, SetupError } from '../setup/index.mjs';
import { runNpm } from '../setup/npm.mjs';
import { rustSources } from '../setup/prebuilt.mjs';
import { bundledNotices, crateNotices } from './notices.mjs';

/** Licences of what others wrote. */
const NOTICES = 'THIRD-PARTY-LICENSES.txt';

/**
 * Packs what is published from this machine into `out`: the root package, the native one of this platform (or of the target given) with the
 * addon given, the demo model. Gives the paths of the archives by the name of their package.
 */
export async function packAll({ addon, out, target: wanted }) {
  const { manifestIn, platformManifests, publishedManifest } = await import('./manifests.ts');
  const { nativePackage } = await import('../targets.ts');
  const target = await targetOf(wanted);
  rmSync(out, { recursive: true, force: true });
  const stage = join(out, '.stage');
  const packs = {};
  try {
    const root = publishedManifest();
    stageRoot(join(stage, 'ohmygpu'), root, await publishedFiles());
    writeFileSync(join(stage, 'ohmygpu', NOTICES), bundledNotices());
    packs[root.name] = await pack(join(stage, 'ohmygpu'), out);

    const name = nativePackage(target.name);
    const [, manifest] = platformManifests().find(([, { name: found }]) => found === name);
    packs[name] = await packNative(join(stage, 'native'), manifest, { addon, out, triple: target.triple });

    const demo = manifestIn('npm', 'demo-model');
    cpSync(inCheckout('npm', 'demo-model'), join(stage, 'demo-model'), { recursive: true });
    copyFileSync(inCheckout('LICENSE'), join(stage, 'demo-model', 'LICENSE'));
    writeManifest(join(stage, 'demo-model'), demo);
    packs[demo.name] = await pack(join(stage, 'demo-model'), out);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
  return packs;
}

/** The target of that name, or that of this machine. */
export async function targetOf(name) {
  const { thisTarget } = await import('../../ts/engine/index.ts');
  const { TARGETS } = await import('../targets.ts');
  const target = name === undefined ? thisTarget() : TARGETS.find((row) => row.name === name);
  if (target !== undefined) return target;
  throw new SetupError(`${name ?? `${process.platform}-${process.arch}`} is not in scripts/targets.ts.`);
}

/** Packs one native package; `addon` is the library that cargo built. */
export async function packNative(stage, manifest, { addon, out, triple }) {
  mkdirSync(stage, { recursive: true });
  copyFileSync(addon, join(stage, 'omg.node'));
  await strip(join(stage, 'omg.node'));
  copyFileSync(inCheckout('LICENSE'), join(stage, 'LICENSE'));
  writeFileSync(join(stage, NOTICES), await crateNotices(triple));
  writeFileSync(join(stage, 'README.md'), `# ${manifest.name}\n\n${manifest.description} Installed by \`ohmygpu\`.\n`);
  writeManifest(stage, { ...manifest, rustSources: rustSources() });
  return pack(stage, out);
}

/** Takes out symbols, most of a development build; what ships has none. On a Mac that would break its signature. */
async function strip(file) {
  if (process.platform === 'linux') await runCommand('strip', ['--strip-unneeded', file], { output: 'capture' });
}

/** The files that npm would publish from the checkout, less the chunks of earlier bundles. */
async function publishedFiles() {
  const { code, stdout, stderr } = await runNpm(['pack', '--dry-run', '--json', '--ignore-scripts']);
  if (code !== 0) throw new SetupError(`\`npm pack\` failed.\n${stderr.trimEnd()}`);
  const report = JSON.parse(stdout);
  // npm 11 gives a list, npm 12 an object by package name.
  const [{ files }] = Array.isArray(report) ? report : Object.values(report);
  const paths = files.map(({ path }) => path);
  const used = chunksUsed(paths.filter((path) => /^dist\/.*\.js$/.test(path) && !path.startsWith('dist/chunks/')));
  return paths.filter((path) => !path.startsWith('dist/chunks/') || used.has(path));
}

/** Paths that the entries of the bundle lead to, in any number of steps. */
function chunksUsed(entries) {
  const seen = new Set(entries);
  for (const path of seen) {
    const text = readFileSync(inCheckout(path), 'utf8');
    for (const [, reference] of text.matchAll(/["'`](\.{1,2}\/[^"'`\s]+\.js)["'`]/g)) {
      const target = posix.join(posix.dirname(path), reference);
      if (existsSync(inCheckout(target))) seen.add(target);
    }
  }
  return seen;
}

function stageRoot(stage, manifest, files) {
  if (!files.includes('dist/omg.js')) throw new SetupError('dist/ holds no bundle.', 'run `npm run build` first');
  for (const path of files) {
    mkdirSync(dirname(join(stage, path)), { recursive: true });
    copyFileSync(inCheckout(path), join(stage, path));
  }
  writeManifest(stage, manifest);
}

function writeManifest(folder, manifest) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

async function pack(folder, out) {
  const { code, stdout, stderr } = await runNpm(['pack', folder, '--ignore-scripts', '--pack-destination', out]);
  if (code !== 0) throw new SetupError(`\`npm pack ${folder}\` failed.\n${stderr.trimEnd()}`);
  return join(out, stdout.trim().split('\n').at(-1));
}
