import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { CargoProgress } from './cargo-progress.mjs';
import { hashOf, inCheckout, root, stampIs, writeStamp } from './checkout.mjs';
import { runCommand } from './command.mjs';
import { SetupError, say, timed } from './say.mjs';

const BUNDLE_INPUTS = [
  'ts',
  'scripts/targets.ts',
  'scripts/bundle',
  'rolldown.config.ts',
  'tsconfig.json',
  'tsconfig.types.json',
  'package.json',
  'package-lock.json',
];
const DAY_MS = 86_400_000;

/** Builds the engine's addon. Cargo decides whether there is anything to do, so a change of TypeScript alone costs half a second. */
export async function buildAddon() {
  const progress = new CargoProgress();
  const { code } = await runCommand(process.execPath, [inCheckout('scripts', 'build-addon.mjs')], {
    cwd: root,
    output: 'capture',
    env: {
      ...process.env,
      ...(process.stderr.isTTY ? { CARGO_TERM_COLOR: 'always' } : {}),
      CARGO_TERM_PROGRESS_WHEN: 'always',
      CARGO_TERM_PROGRESS_WIDTH: String(process.stderr.columns ?? 80),
    },
    onStderr: (text) => progress.add(text),
  });
  if (code !== 0) throw new SetupError('The engine could not be built; the lines above say why.');
  progress.end();
}

/** Builds `dist/` from the TypeScript sources when they changed. */
export async function buildBundle() {
  const stamp = inCheckout('dist', '.inputs');
  const wanted = hashOf(BUNDLE_INPUTS);
  if (stampIs(stamp, wanted)) return;
  rmSync(stamp, { force: true });
  const rolldown = inCheckout('node_modules', 'rolldown', 'bin', 'cli.mjs');
  const result = await timed('Bundling', 'Bundled', () =>
    runCommand(process.execPath, [rolldown, '--config', 'rolldown.config.ts'], { cwd: root, output: 'capture' }),
  );
  if (result.code !== 0 || !existsSync(inCheckout('dist', 'omg.js'))) {
    say(`${result.stdout}${result.stderr}`.trimEnd());
    throw new SetupError('The TypeScript sources could not be bundled; the lines above say why.');
  }
  removeOldChunks();
  writeStamp(stamp, wanted);
}

/** A daemon that was started from an earlier bundle may still load its parts, so they stay for a day. */
function removeOldChunks() {
  const folder = inCheckout('dist', 'chunks');
  for (const name of readdirSync(folder)) {
    const path = inCheckout('dist', 'chunks', name);
    if (Date.now() - statSync(path).mtimeMs > DAY_MS) rmSync(path);
  }
}
