import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { isAtLeast } from '../bin/node-version.mjs';
import { inCheckout } from './checkout.mjs';
import { runCommand } from './command.mjs';
import { SetupError } from './say.mjs';

/** Checks the Rust toolchain; puts rustup's folder on the PATH of this process where a fresh shell has not done so yet. */
export async function ensureRust() {
  const rustup = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'bin');
  if (existsSync(rustup)) process.env.PATH = `${process.env.PATH ?? ''}${delimiter}${rustup}`;
  const needed = /^rust-version = "(.+)"$/m.exec(readFileSync(inCheckout('Cargo.toml'), 'utf8'))?.[1] ?? '1.90';
  const rustc = await runCommand('rustc', ['--version'], { output: 'capture' });
  const cargo = await runCommand('cargo', ['--version'], { output: 'capture' });
  if (rustc.code !== 0 || cargo.code !== 0) {
    throw new SetupError(
      `Rust is missing: \`${cargo.code === 0 ? 'rustc' : 'cargo'}\` does not run. The engine is built from source.`,
      'install it from https://rustup.rs, then run this again',
    );
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
