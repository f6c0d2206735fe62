import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './checkout.mjs';
import { runCommand } from './command.mjs';

/**
 * Runs npm with the Node that runs this script, whatever npm's own launcher would pick. `npm start` tells where npm is; a script
 * that was started by `node` directly looks beside the Node binary and then on the PATH.
 */
export function runNpm(args) {
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  const cli = npmCli();
  if (cli) return runCommand(process.execPath, [cli, ...args, ...quiet], { cwd: root, output: 'capture' });
  return runCommand('npm', [...args, ...quiet], { cwd: root, output: 'capture' });
}

function npmCli() {
  const bin = dirname(process.execPath);
  const candidates = [
    process.env.npm_execpath ?? '',
    join(bin, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  return candidates.find((path) => path.endsWith('npm-cli.js') && existsSync(path));
}
