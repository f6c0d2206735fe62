import { buildAddon, buildBundle } from './build.mjs';
import { underSupportedNode } from './node.mjs';
import { ensurePackages } from './packages.mjs';
import { takePrebuiltAddon } from './prebuilt.mjs';
import { ensureRust } from './rust.mjs';

export { root } from './checkout.mjs';
export { runCommand, runForeground } from './command.mjs';
export { duration, SetupError, say, sayStep, script } from './say.mjs';
export { buildAddon, buildBundle, ensurePackages, ensureRust, underSupportedNode };

/** From a bare clone to something that runs. Returns false when another Node has run the whole script already. */
export async function setUp() {
  if (!(await underSupportedNode())) return false;
  const isPrebuilt = await takePrebuiltAddon();
  if (!isPrebuilt) await ensureRust();
  await ensurePackages();
  if (!isPrebuilt) await buildAddon();
  await buildBundle();
  return true;
}
