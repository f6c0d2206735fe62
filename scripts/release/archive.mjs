import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create, extract } from 'tar';
import { inCheckout } from '../setup/checkout.mjs';
import { runCommand, SetupError } from '../setup/index.mjs';
import { targetOf } from './pack.mjs';

/** Limit of an archive, which holds no CUDA. */
export const ARCHIVE_LIMIT = 60e6;

/**
 * Makes the archive of this platform from its packages: everything inside, Node too. `node`: the binary to put in, `nodeLibraries`: a
 * folder of libraries that it needs and the system may lack, `nodeVersion`: what it says of itself, where it is another. Gives the path of the archive, which lies in `out`.
 */
export async function makeArchive({
  packs,
  out,
  sbom,
  node = process.execPath,
  nodeLibraries,
  nodeVersion = process.versions.node,
  level = 9,
  target: wanted,
}) {
  const { archiveName, nativePackage } = await import('../targets.ts');
  const { manifestIn } = await import('./manifests.ts');
  const target = await targetOf(wanted);
  const { version } = manifestIn();
  const name = archiveName(version, target.name);
  const top = basename(name, '.tar.gz');
  const stage = join(out, '.stage');
  rmSync(stage, { recursive: true, force: true });
  const root = join(stage, top);
  try {
    await unpack(packs.ohmygpu, root);
    for (const part of [nativePackage(target.name), '@ohmygpu/demo-model']) {
      await unpack(packs[part], join(root, 'node_modules', ...part.split('/')));
    }
    await addNode(join(root, 'runtime'), node, nodeLibraries);
    addLaunchers(join(root, 'bin'), target.os);
    if (sbom !== undefined) writeFileSync(join(root, 'sbom.cdx.json'), `${JSON.stringify(sbom, null, 2)}\n`);
    const release = { name: 'ohmygpu', version, target: target.name, node: nodeVersion };
    writeFileSync(join(root, 'release.json'), `${JSON.stringify(release, null, 2)}\n`);
    await create({ gzip: { level }, portable: true, mtime: new Date(0), cwd: stage, file: join(out, name) }, [top]);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
  return join(out, name);
}

async function unpack(pack, folder) {
  if (pack === undefined) throw new SetupError('A package is missing; run `npm run pack` first.');
  mkdirSync(folder, { recursive: true });
  await extract({ file: pack, cwd: folder, strip: 1 });
}

async function addNode(folder, node, libraries) {
  mkdirSync(folder, { recursive: true });
  const binary = join(folder, process.platform === 'win32' ? 'node.exe' : 'node');
  copyFileSync(node, binary);
  chmodSync(binary, 0o755);
  // A sixth of it is symbols. On a Mac that would break its signature.
  if (process.platform === 'linux') await runCommand('strip', ['--strip-unneeded', binary], { output: 'capture' });
  const { code } = await runCommand(binary, ['--version'], { output: 'capture' });
  if (code !== 0 && libraries === undefined) throw new SetupError(`${node} does not run once it is copied.`);
  if (libraries !== undefined) cpSync(libraries, join(folder, 'lib'), { recursive: true, dereference: true });
  const license = [join(dirname(node), '..', 'LICENSE'), join(dirname(node), 'LICENSE')].find((path) =>
    existsSync(path),
  );
  if (license !== undefined) copyFileSync(license, join(folder, 'LICENSE'));
  else {
    const { version } = process;
    writeFileSync(
      join(folder, 'LICENSE'),
      `Node.js ${version}: https://github.com/nodejs/node/blob/${version}/LICENSE\n`,
    );
  }
}

function addLaunchers(folder, os) {
  mkdirSync(folder, { recursive: true });
  const [launcher, ending] = os === 'win32' ? ['omg.cmd', '.cmd'] : ['omg', ''];
  for (const name of ['omg', 'ohmygpu']) {
    copyFileSync(inCheckout('scripts', 'release', 'launcher', launcher), join(folder, `${name}${ending}`));
    chmodSync(join(folder, `${name}${ending}`), 0o755);
  }
}

/** Writes SHA256SUMS over the files of a release in a folder, and the packs in another, in the form of `sha256sum`. Gives its path. */
export async function writeChecksums(folder, packs) {
  const files = readdirSync(folder).filter((name) => /\.(?:tar\.gz|json|sh|ps1)$/.test(name));
  const packed = packs === undefined ? [] : readdirSync(packs).filter((name) => name.endsWith('.tgz'));
  const paths = [...files.map((name) => join(folder, name)), ...packed.map((name) => join(packs, name))];
  const lines = [];
  for (const path of paths) lines.push(`${await sha256Of(path)}  ${basename(path)}\n`);
  lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1));
  const path = join(folder, 'SHA256SUMS');
  writeFileSync(path, lines.join(''));
  return path;
}

async function sha256Of(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Throws where an archive is larger than promised. */
export function checkSize(archive) {
  const { size } = statSync(archive);
  if (size > ARCHIVE_LIMIT) {
    throw new SetupError(
      `${basename(archive)} has ${(size / 1e6).toFixed(1)} MB; the limit is ${ARCHIVE_LIMIT / 1e6} MB.`,
    );
  }
  return size;
}
