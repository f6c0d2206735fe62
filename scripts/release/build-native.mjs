import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { inCheckout, root } from '../setup/checkout.mjs';
import { runCommand, SetupError, say, script } from '../setup/index.mjs';

/**
 * `node scripts/release/build-native.mjs --target NAME --out FILE`: the addon that ships, in the profile `dist`. On Linux cargo-zigbuild links it
 * against the oldest C library to run on, on any machine with the same processor.
 */
await script(async () => {
  const { values } = parseArgs({ options: { target: { type: 'string' }, out: { type: 'string' } } });
  const { TARGETS } = await import('../targets.ts');
  const target = TARGETS.find(({ name }) => name === values.target);
  if (target === undefined || values.out === undefined) {
    throw new SetupError(`--target and --out are needed; targets: ${TARGETS.map(({ name }) => name).join(', ')}.`);
  }
  const args = [
    target.zig === undefined ? 'build' : 'zigbuild',
    ...['--package', 'omg-node', '--locked', '--profile', 'dist'],
    ...['--target', target.zig ?? target.triple],
    ...(target.features.length === 0 ? [] : ['--features', target.features.join(',')]),
  ];
  // A library that Node loads cannot bring a C library of its own.
  const flags = target.libc === 'musl' ? { RUSTFLAGS: '-C target-feature=-crt-static' } : {};
  say(`cargo ${args.join(' ')}`);
  const { code } = await runCommand('cargo', args, { cwd: root, env: { ...process.env, ...flags } });
  if (code !== 0) throw new SetupError(`cargo ended with ${code}.`);
  const names = { darwin: 'libomg_node.dylib', linux: 'libomg_node.so', win32: 'omg_node.dll' };
  const folder = process.env.CARGO_TARGET_DIR ?? inCheckout('target');
  mkdirSync(dirname(values.out), { recursive: true });
  copyFileSync(join(folder, target.triple, 'dist', names[target.os]), values.out);
  say(`wrote ${values.out}`);
});
