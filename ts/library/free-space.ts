import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OmgError } from '../errors/index.ts';

/** Bytes that this user may still write below a folder, which need not exist yet. */
export async function freeBytesOf(folder: string): Promise<number> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(at) === at) throw error;
    }
  }
}

/** The refusal that names both numbers (detail: neededBytes, freeBytes). */
export function diskFull(folder: string, neededBytes: number, freeBytes: number): OmgError {
  return new OmgError(
    'disk_full',
    `The model needs ${formatBytes(neededBytes)} more, but ${formatBytes(freeBytes)} are free in ${folder}.`,
    {
      hint: 'Free some space, for example with omg rm or omg gc, or set OMG_MODELS to a folder on another disk.',
      detail: { neededBytes, freeBytes },
    },
  );
}

function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
