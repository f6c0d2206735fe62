import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { OmgError } from '../errors/index.ts';

/** Opening a pipe or a terminal must not wait for its other side. Windows has neither the flags nor the need. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/**
 * Opens a file that somebody else named, when it is a regular one; links are followed. Looked at before it is opened, since opening a
 * device may do something, and again afterwards, since it may have been exchanged.
 * Throws `not_found`, `invalid_request`, `permission_denied`.
 */
export async function openRegular(path: string): Promise<{ handle: FileHandle; size: number }> {
  return await withPathErrors(path, async () => {
    if (!(await stat(path)).isFile()) throw notRegular(path);
    const handle = await open(path, READ);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw notRegular(path);
      return { handle, size: stats.size };
    } catch (error) {
      await handle.close();
      throw error;
    }
  });
}

/** The bytes of a small file that somebody else named. Throws as `openRegular`, and `invalid_request` beyond the limit, whatever size it claims. */
export async function readRegular(path: string, limitBytes: number): Promise<Buffer> {
  const { handle } = await openRegular(path);
  try {
    const chunks: Buffer[] = [];
    let total = 0;
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(64 << 10));
      if (bytesRead === 0) return Buffer.concat(chunks, total);
      total += bytesRead;
      if (total > limitBytes) throw tooLarge(path, limitBytes);
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** As `readRegular`, for what has to be read before anything else can go on. */
export function readRegularSync(path: string, limitBytes: number): Buffer {
  const file = openSync(path, READ);
  try {
    if (!fstatSync(file).isFile()) throw notRegular(path);
    const bytes = Buffer.alloc(limitBytes + 1);
    let total = 0;
    for (let read = -1; read !== 0 && total <= limitBytes; total += read) {
      read = readSync(file, bytes, total, bytes.length - total, null);
    }
    if (total > limitBytes) throw tooLarge(path, limitBytes);
    return bytes.subarray(0, total);
  } finally {
    closeSync(file);
  }
}

/** What is wrong with a path that somebody else named is told as theirs, not as a failure of the daemon. */
export async function withPathErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path;
    switch (code) {
      case 'ENOENT':
      case 'ENOTDIR':
        throw new OmgError('not_found', `There is no file or folder ${shown}.`, { cause: error });
      case 'ELOOP':
        throw new OmgError('invalid_request', `${shown} is a link that leads back to itself.`, { cause: error });
      case 'ENAMETOOLONG':
        throw new OmgError('invalid_request', `The path ${shown} is too long.`, { cause: error });
      case 'ENXIO':
      case 'ENODEV':
      case 'EOPNOTSUPP':
      case 'EISDIR':
        throw notRegular(shown);
      case 'EACCES':
      case 'EPERM':
        throw new OmgError('permission_denied', `The daemon may not read ${shown}.`, {
          hint: 'Check the rights of the file and of the folders above it.',
          cause: error,
        });
      default:
        throw error;
    }
  }
}

function notRegular(path: string): OmgError {
  return new OmgError('invalid_request', `${path} is not a regular file.`, {
    hint: 'Folders, pipes, sockets and devices cannot be read as files.',
  });
}

function tooLarge(path: string, limitBytes: number): OmgError {
  return new OmgError('invalid_request', `${path} is larger than the ${limitBytes} bytes that such a file may have.`);
}
