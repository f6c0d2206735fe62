import { readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Installation } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';

/** Where a version lies and how another takes its place. */
export interface InstallSite {
  /** A new folder on the same disk; the new version is put together in it. */
  stage(): Promise<string>;
  /** Puts a folder where the program is. Gives the new root, and the way back. */
  replace(
    staged: string,
    version: string,
  ): Promise<{ root: string; undo: () => Promise<void>; finish: () => Promise<void> }>;
  /** Whether a daemon can go on running from the version before. */
  keepsOld: boolean;
}

/** The place of this installation. Throws `unsupported` with the command of whoever looks after it. */
export function installSiteOf({ by, root, repair }: Installation): InstallSite {
  if (root === undefined) throw unmanaged('It is not known how omg was installed.', repair);
  if (by === 'npm') return npmPlace(root);
  if (by === 'archive') return archivePlace(root, repair);
  if (by === 'checkout') throw unmanaged('omg runs from a checkout.', 'git pull');
  throw unmanaged(
    `omg was installed by ${by === 'npm-project' ? 'npm in a project' : by}, which keeps its own books.`,
    repair,
  );
}

function unmanaged(message: string, command: string): OmgError {
  return new OmgError('unsupported', message, { hint: `Update it with \`${command}\`.` });
}

/** npm's global folder: the package is one folder, exchanged by renaming. npm finds everything as it left it. */
function npmPlace(root: string): InstallSite {
  const modules = dirname(root);
  return {
    keepsOld: false,
    stage: () => stageIn(modules, '.ohmygpu-'),
    async replace(staged) {
      const aside = await stageIn(modules, '.ohmygpu-old-');
      const old = join(aside, 'ohmygpu');
      await rename(root, old);
      try {
        await rename(staged, root);
      } catch (error) {
        await rename(old, root);
        throw denied(modules, error);
      }
      return {
        root,
        async undo() {
          await rename(root, join(aside, 'failed'));
          await rename(old, root);
          await rm(aside, { recursive: true, force: true });
        },
        finish: () => rm(aside, { recursive: true, force: true }),
      };
    },
  };
}

/** What install.sh and install.ps1 make: versions side by side, and launchers in bin/ that lead to one of them. */
function archivePlace(root: string, repair: string): InstallSite {
  const versions = dirname(root);
  const isWindows = process.platform === 'win32';
  const bin = isWindows ? join(versions, '..', 'bin') : join(versions, '..', '..', 'bin');
  const current = launcherTarget(bin, isWindows);
  if (current !== basename(root)) {
    throw unmanaged(`No launcher in ${bin} leads to ${root}, so omg was unpacked by hand.`, repair);
  }
  return {
    keepsOld: true,
    stage: () => stageIn(versions, '.installing-'),
    async replace(staged, version) {
      const target = join(versions, version);
      await rm(target, { recursive: true, force: true });
      await rename(staged, target).catch((error: unknown) => {
        throw denied(versions, error);
      });
      await switchLaunchers(bin, version, isWindows);
      return {
        root: target,
        async undo() {
          await switchLaunchers(bin, current, isWindows);
          await rm(target, { recursive: true, force: true });
        },
        // The version before stays for a daemon that runs from it; older ones have had their time.
        async finish() {
          const others = (await readdir(versions)).filter((name) => name !== version && name !== current);
          await Promise.all(others.map((name) => rm(join(versions, name), { recursive: true, force: true })));
        },
      };
    },
  };
}

async function stageIn(folder: string, prefix: string): Promise<string> {
  try {
    return await mkdtemp(join(folder, prefix));
  } catch (error) {
    throw denied(folder, error);
  }
}

function denied(folder: string, error: unknown): OmgError {
  const { code } = error as NodeJS.ErrnoException;
  return new OmgError('permission_denied', `${folder} cannot be changed (${code}).`, {
    hint: process.platform === 'win32' ? 'Stop what runs from it: `omg serve stop`.' : 'Run it again with sudo.',
    cause: error,
  });
}

/** The version that the launcher of a bin/ folder leads to. */
function launcherTarget(bin: string, isWindows: boolean): string | undefined {
  try {
    if (!isWindows) return /^\.\.\/lib\/ohmygpu\/([^/]+)\/bin\/omg$/.exec(readlinkSync(join(bin, 'omg')))?.[1];
    return /\\versions\\([^\\]+)\\bin\\omg\.cmd/.exec(readFileSync(join(bin, 'omg.cmd'), 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** Each in one step, so that there is an omg at every moment. */
async function switchLaunchers(bin: string, version: string, isWindows: boolean): Promise<void> {
  await mkdir(bin, { recursive: true });
  for (const name of ['omg', 'ohmygpu']) {
    const path = join(bin, isWindows ? `${name}.cmd` : name);
    const staged = `${path}.${process.pid}.tmp`;
    await rm(staged, { force: true });
    if (isWindows) await writeFile(staged, `@call "%~dp0..\\versions\\${version}\\bin\\omg.cmd" %*\r\n`);
    else await symlink(`../lib/ohmygpu/${version}/bin/omg`, staged);
    await rename(staged, path);
  }
}
