import { OmgError } from '../errors/index.ts';

/** An error of the file system as the product reports it; others pass unchanged. */
export function toStoreError(error: unknown, what: string): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  const where = path === undefined ? '' : ` (${path})`;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new OmgError('disk_full', `There is no space left to ${what}${where}.`, {
      hint: 'Free some space, for example with omg rm or omg gc, and try again.',
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new OmgError('permission_denied', `Not permitted to ${what}${where}.`, {
      hint: 'Check who owns the models folder, or choose another one with OMG_MODELS.',
      cause: error,
    });
  }
  return error;
}

/** Runs a change of the store, reporting the errors of the file system by their own codes. */
export async function asStoreChange<T>(what: string, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    throw toStoreError(error, what);
  }
}
