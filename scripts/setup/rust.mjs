import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { isAtLeast } from '../bin/node-version.mjs';
import { inCheckout } from './checkout.mjs';
import { runCommand } from './command.mjs';
import { SetupError } from './say.mjs';

/** Checks the Rust toolchain; finds rustup's folders where a fresh shell or another HOME does not lead to them. */
export async function ensureRust() {
  findRustup();
  const needed = /^rust-version = "(.+)"$/m.exec(readFileSync(inCheckout('Cargo.toml'), 'utf8'))?.[1] ?? '1.90';
  const rustc = await runCommand('rustc', ['--version'], { output: 'capture' });
  const cargo = await runCommand('cargo', ['--version'], { output: 'capture' });
  for (const [name, result] of Object.entries({ cargo, rustc })) {
    if (result.code === 127) {
      throw new SetupError(
        `Rust is missing: \`${name}\` was not found. The engine is built from source.`,
        'install it from https://rustup.rs, then run this again',
      );
    }
    if (result.code !== 0) {
      const said = result.stderr.split(/\n\s*\n/)[0].trim();
      throw new SetupError(`\`${name} --version\` fails:\n${said}`, 'run `rustup default stable`');
    }
  }
  const version = /^rustc (\S+)/.exec(rustc.stdout)?.[1] ?? '0';
  if (!isAtLeast(version, needed)) {
    throw new SetupError(`Rust ${needed} or newer is needed; this is ${version}.`, 'run `rustup update stable`');
  }
  if (process.platform !== 'win32' && (await runCommand('cc', ['--version'], { output: 'capture' })).code !== 0) {
    throw new SetupError(
      'A C linker is missing: `cc` does not run.',
      process.platform === 'darwin'
        ? 'run `xcode-select --install`'
        : 'install one, such as with `apt-get install build-essential`',
    );
  }
}

/**
 * Adds the folder of rustup's programs to the PATH of this process when it is not there yet. They in turn look for the toolchains in
 * the home folder; where it is another one (sudo, a container, a test) those beside the programs are named.
 */
function findRustup() {
  const bin = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'bin');
  const folders = (process.env.PATH ?? '').split(delimiter);
  if (existsSync(bin) && !folders.includes(bin)) process.env.PATH = [...folders, bin].join(delimiter);
  if (process.env.RUSTUP_HOME || existsSync(join(homedir(), '.rustup', 'toolchains'))) return;
  const cargoHome = folders.find((folder) => existsSync(join(folder, 'rustup')));
  const toolchains = cargoHome && join(dirname(dirname(cargoHome)), '.rustup');
  if (toolchains && existsSync(toolchains)) process.env.RUSTUP_HOME = toolchains;
}
