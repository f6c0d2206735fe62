import { lstatSync } from 'node:fs';
import { hashOf, inCheckout, stampIs, writeStamp } from './checkout.mjs';
import { runNpm } from './npm.mjs';
import { SetupError, timed } from './say.mjs';

/**
 * Installs what package-lock.json says, only when it changed since the last time. No package of ours needs an install script, so
 * none is run. A `node_modules` that is a link belongs to another checkout and is left alone.
 */
export async function ensurePackages() {
  const folder = lstatSync(inCheckout('node_modules'), { throwIfNoEntry: false });
  if (folder?.isSymbolicLink()) return;
  const stamp = inCheckout('node_modules', '.omg-packages');
  const wanted = hashOf(['package-lock.json'], `${process.platform}-${process.arch}`);
  if (stampIs(stamp, wanted)) return;
  const result = await timed('Installing packages', 'Installed packages', () => runNpm(['ci', '--ignore-scripts']));
  if (result.code === 127)
    throw new SetupError('npm was not found.', 'it comes with Node: https://nodejs.org/en/download');
  if (result.code !== 0) {
    throw new SetupError(
      `\`npm ci\` failed.\n${(result.stderr || result.stdout).trimEnd()}`,
      'check the network, then run this again',
    );
  }
  writeStamp(stamp, wanted);
}
