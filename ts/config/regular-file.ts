import type { Stats } from 'node:fs';
import { constants, open } from 'node:fs/promises';

export interface RegularFile {
  text: string;
  /** Of the file that was read, whatever has taken its name since. */
  stats: Stats;
}

/**
 * Reads a small text file that others may have had a hand in: a regular file only, opened without waiting for a writer, and no more than `limit`
 * bytes of it. Undefined where there is none; `refused` says why it was not read.
 */
export async function readRegularFile(
  path: string,
  limit: number,
): Promise<RegularFile | { refused: string } | undefined> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
    (error: NodeJS.ErrnoException) => error,
  );
  if (file instanceof Error) {
    if (file.code === 'ENOENT' || file.code === 'ENOTDIR') return undefined;
    return { refused: file.code === 'EISDIR' ? NOT_REGULAR : `cannot be read (${file.code})` };
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile()) return { refused: NOT_REGULAR };
    const buffer = Buffer.alloc(limit + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length <= limit; length += read) {
      ({ bytesRead: read } = await file.read(buffer, length, buffer.length - length));
    }
    if (length > limit) return { refused: `is larger than ${limit} bytes` };
    return { text: buffer.toString('utf8', 0, length), stats };
  } catch (error) {
    return { refused: `cannot be read (${(error as NodeJS.ErrnoException).code})` };
  } finally {
    await file.close();
  }
}

const NOT_REGULAR = 'is no regular file';
