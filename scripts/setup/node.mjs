import { delimiter, dirname } from 'node:path';
import { localNode, nodePackageName } from '../bin/local-node.mjs';
import { isSupportedNode } from '../bin/node-version.mjs';
import { inCheckout, root } from './checkout.mjs';
import { runForeground } from './command.mjs';
import { runNpm } from './npm.mjs';
import { SetupError, timed } from './say.mjs';

/** The line that is brought where the machine's Node is too old. */
const NODE_LINE = '24';

/**
 * Makes sure that this script runs under a supported Node. Where it does not, it brings one into `.node/` and runs the script
 * again with it. Returns true when the caller may go on, false when the other Node has done the work and the exit code is set.
 */
export async function underSupportedNode() {
  if (isSupportedNode(process.versions.node)) return true;
  const node = localNode(root) ?? (await installNode());
  process.exitCode = await runAgain(node);
  return false;
}

/** The platform's own package is asked for and not `node`, whose install script many npm configurations do not run. */
async function installNode() {
  const name = nodePackageName();
  const result = await timed(
    `Installing Node ${NODE_LINE} into .node (this machine has ${process.versions.node})`,
    `Installed Node ${NODE_LINE}`,
    () => runNpm(['install', '--prefix', inCheckout('.node'), '--no-save', '--ignore-scripts', `${name}@${NODE_LINE}`]),
  );
  const node = localNode(root);
  if (result.code === 0 && node) return node;
  throw new SetupError(
    `Node ${NODE_LINE} could not be installed from npm (${name}).${result.stderr ? `\n${result.stderr.trimEnd()}` : ''}`,
    'install Node 22 LTS or newer yourself: https://nodejs.org/en/download',
  );
}

function runAgain(node) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
  return runForeground(node, process.argv.slice(1), { env });
}
