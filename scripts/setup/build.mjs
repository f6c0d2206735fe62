import { existsSync, readdirSync, rmSync } from 'node:fs';
import { hashOf, inCheckout, root, stampIs, writeStamp } from './checkout.mjs';
import { runCommand } from './command.mjs';
import { SetupError, say, timed } from './say.mjs';

const BUNDLE_INPUTS = ['ts', 'rolldown.config.ts', 'package.json', 'package-lock.json'];

/** Builds the engine's addon. Cargo decides whether there is anything to do, so a change of TypeScript alone costs half a second. */
export async function buildAddon() {
  if (!existsSync(inCheckout('scripts', 'build-addon.mjs'))) return;
  // Cargo shows its own progress on a terminal and a line per crate elsewhere; a captured log would look like a hang.
  const { code } = await runCommand(process.execPath, [inCheckout('scripts', 'build-addon.mjs')], { cwd: root });
  if (code !== 0) throw new SetupError('The engine could not be built; the lines above say why.');
}

/** Builds `dist/` from the TypeScript sources when they changed. */
export async function buildBundle() {
  const stamp = inCheckout('dist', '.inputs');
  const wanted = hashOf(BUNDLE_INPUTS);
  if (stampIs(stamp, wanted)) return;
  // Not all of dist/: the addon lies there too.
  const old = existsSync(inCheckout('dist')) ? readdirSync(inCheckout('dist')) : [];
  for (const name of old) if (name !== 'native') rmSync(inCheckout('dist', name), { recursive: true });
  const rolldown = inCheckout('node_modules', 'rolldown', 'bin', 'cli.mjs');
  const result = await timed('Bundling', 'Bundled', () =>
    runCommand(process.execPath, [rolldown, '--config', 'rolldown.config.ts'], { cwd: root, output: 'capture' }),
  );
  if (result.code !== 0 || !existsSync(inCheckout('dist', 'omg.js'))) {
    say(`${result.stdout}${result.stderr}`.trimEnd());
    throw new SetupError('The TypeScript sources could not be bundled; the lines above say why.');
  }
  writeStamp(stamp, wanted);
}
