import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Names that begin so are unfinished writes; nothing refers to them. */
export const TEMPORARY_PREFIX = '.tmp-';

/** Writing a small file takes no longer. */
const UNFINISHED_MS = 60_000;

/**
 * Replaces a file so that a crash at any point leaves the whole old text or the whole new one, and a failure nothing else. All state is written
 * here. `mode` is for files that others must not read.
 */
export async function writeFileAtomically(
  path: string,
  text: string,
  { mode = 0o666 }: { mode?: number } = {},
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `${TEMPORARY_PREFIX}${randomUUID()}`);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
}

/** Removes what crashes left of writes in a folder, which need not exist. Never throws. */
export async function sweepUnfinished(folder: string): Promise<void> {
  for (const file of await readdir(folder).catch(() => [])) {
    if (!file.startsWith(TEMPORARY_PREFIX)) continue;
    const path = join(folder, file);
    const stats = await stat(path).catch(() => undefined);
    const isOld = stats !== undefined && Date.now() - stats.mtimeMs > UNFINISHED_MS;
    if (isOld && stats.isFile()) await rm(path, { force: true }).catch(() => {});
  }
}

/** Makes renames in a folder durable. Windows cannot open folders and does not need it. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network and FUSE file systems refuse to sync folders; the rename itself has happened.
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EPERM') throw error;
  } finally {
    await handle.close();
  }
}
