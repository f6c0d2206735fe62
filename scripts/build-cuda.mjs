import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { inCheckout } from './setup/checkout.mjs';

/**
 * `node scripts/build-cuda.mjs [architecture as nvcc names it, default 90] [cargo arguments]`: builds the addon with the feature `cuda` on Linux, also on a machine
 * without a GPU. Takes the CUDA toolkit of the system where `nvcc` is on PATH; else installs one from PyPI into `.cuda/` (1.1 GB, needs python3 with
 * venv), which comes without the unversioned library names and the driver that a linker asks for: they are made beside it. The addon goes to
 * `target/cuda/release/libomg_node.so`, so that it does not take the place of the one in use.
 */
const [architecture = '90', ...cargoArguments] = process.argv.slice(2);
const folder = inCheckout('.cuda');

function run(command, args, env = process.env) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env });
  if (error || status !== 0) {
    process.stderr.write(`error: ${command} ${error ? error.message : `ended with ${status}`}\n`);
    process.exit(1);
  }
}

function toolkitFromPyPI() {
  const venv = join(folder, 'venv');
  const python = join(venv, 'bin', 'python');
  if (!existsSync(python)) {
    mkdirSync(folder, { recursive: true });
    run('python3', ['-m', 'venv', venv]);
  }
  run(python, ['-m', 'pip', 'install', '--quiet', 'cuda-toolkit[nvcc,cudart,cublas,curand,cccl]==13.2.*']);
  const library = join(venv, 'lib');
  const version = readdirSync(library).find((name) => name.startsWith('python3'));
  return join(library, version, 'site-packages', 'nvidia', 'cu13');
}

/** libX.so beside each libX.so.N, and an empty driver: a build only asks that they are there. */
function linkNames(toolkit) {
  const library = join(toolkit, 'lib');
  const names = join(folder, 'lib');
  rmSync(names, { recursive: true, force: true });
  mkdirSync(names, { recursive: true });
  for (const name of readdirSync(library)) {
    const plain = /^(lib.+\.so)\.\d+$/.exec(name)?.[1];
    if (plain) symlinkSync(join(library, name), join(names, plain));
    else if (/\.(a|so)$/.test(name)) symlinkSync(join(library, name), join(names, name));
  }
  const source = join(folder, 'driver.c');
  writeFileSync(source, '');
  run('cc', ['-shared', '-o', join(names, 'libcuda.so'), source]);
  return names;
}

const hasToolkit = spawnSync('nvcc', ['--version'], { stdio: 'ignore' }).status === 0;
const env = { ...process.env, CUDA_COMPUTE_CAP: architecture };
if (!hasToolkit) {
  const toolkit = toolkitFromPyPI();
  const names = linkNames(toolkit);
  env.PATH = [join(toolkit, 'bin'), env.PATH].join(delimiter);
  env.CUDA_HOME = toolkit;
  env.CUDA_PATH = toolkit;
  env.CUDA_ROOT = toolkit;
  env.LIBRARY_PATH = [names, env.LIBRARY_PATH].filter(Boolean).join(delimiter);
  env.RUSTFLAGS = [env.RUSTFLAGS, `-L native=${names}`].filter(Boolean).join(' ');
}
run(
  'cargo',
  [
    'build',
    '--release',
    '--locked',
    '--package',
    'omg-node',
    '--features',
    'cuda',
    '--target-dir',
    inCheckout('target', 'cuda'),
    ...cargoArguments,
  ],
  env,
);
