import { constants } from 'node:fs';
import { copyFile, link, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What `link` answers where hard links cannot be made: other device, no support, not permitted, too many links. */
const CANNOT_LINK = new Set([
  'EXDEV',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EPERM',
  'EACCES',
  'EMLINK',
  'EINVAL',
  'EISDIR',
]);

/** Makes `target` a second name of the bytes of `source`, if the file systems allow. */
export async function tryLink(source: string, target: string): Promise<boolean> {
  await mkdir(dirname(target), { recursive: true });
  try {
    await link(source, target);
    return true;
  } catch (error) {
    if (CANNOT_LINK.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Links, or copies where links cannot be made (sharing the blocks where the file system can). The target must not exist. */
export async function linkOrCopy(source: string, target: string): Promise<'linked' | 'copied'> {
  if (await tryLink(source, target)) return 'linked';
  await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  return 'copied';
}
