import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Installation } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';

/** The command line that runs this installation, for files that outlive the version that writes them. Throws `unsupported`. */
export function lastingCommand({ by, root }: Installation): string[] {
  if (root === undefined) throw new OmgError('unsupported', 'It is not known where omg is installed.');
  return by === 'archive' ? [launcherOf(root)] : [process.execPath, join(root, 'scripts', 'bin', 'omg.mjs')];
}

/** The launcher that stays where it is when the version changes. */
function launcherOf(root: string): string {
  const isWindows = process.platform === 'win32';
  const bin = isWindows ? join(root, '..', '..', 'bin', 'omg.cmd') : join(root, '..', '..', '..', 'bin', 'omg');
  if (existsSync(bin) && (isWindows || basename(dirname(root)) === 'ohmygpu')) return bin;
  return join(root, 'bin', isWindows ? 'omg.cmd' : 'omg');
}
