import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { inCheckout, root } from './setup/checkout.mjs';

/**
 * `node scripts/build-addon.mjs [cargo arguments]`: builds `omg-node` and puts it at `dist/native/omg.node`. Cargo decides whether there
 * is anything to build, and where: it names the library it made. On a Mac the addon is built for Metal; `--features cuda` is up to
 * the caller.
 */
const asked = process.argv.slice(2);
const features = process.platform === 'darwin' && !asked.includes('--features') ? ['--features', 'metal'] : [];
const profile = asked.includes('--profile') ? [] : ['--release'];
const args = ['build', '--package', 'omg-node', '--locked', ...profile, ...features, ...asked];

const cargo = spawn('cargo', [...args, '--message-format', 'json-render-diagnostics'], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
  windowsHide: true,
});
let messages = '';
cargo.stdout.setEncoding('utf8').on('data', (text) => {
  messages += text;
});
cargo.on('error', (error) => {
  process.stderr.write(`cargo could not be started: ${error.message}\n`);
  process.exitCode = 127;
});
cargo.on('close', (code) => {
  if (code !== 0) {
    process.exitCode = code ?? 1;
    return;
  }
  install(builtLibrary(messages));
});

function builtLibrary(text) {
  const artifacts = text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter((message) => message.reason === 'compiler-artifact' && message.target.name === 'omg_node');
  const library = artifacts.flatMap((artifact) => artifact.filenames).find((file) => /\.(so|dylib|dll)$/.test(file));
  if (library === undefined) throw new Error('cargo built no library of the package omg-node');
  return library;
}

/** In one step: a process that has the old addon loaded keeps the old file. */
function install(library) {
  const folder = inCheckout('dist', 'native');
  const target = inCheckout('dist', 'native', 'omg.node');
  mkdirSync(folder, { recursive: true });
  // From now on the addon is this checkout's own.
  rmSync(inCheckout('dist', 'native', '.prebuilt'), { force: true });
  if (isSame(library, target)) return;
  const staged = `${target}.${process.pid}.tmp`;
  copyFileSync(library, staged);
  renameSync(staged, target);
}

function isSame(a, b) {
  try {
    return readFileSync(a).equals(readFileSync(b));
  } catch {
    return false;
  }
}
