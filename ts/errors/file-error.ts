import type { ErrorCode } from './codes.ts';

export interface FileProblem {
  code: ErrorCode;
  message: string;
  hint: string;
}

/** Errors of these have the same names and are about networks. */
const NOT_FILES = /^(connect|listen|bind|getaddrinfo|kill)/;

/** What an error of the file system means to the person whose disk it is; undefined for all others. `what` completes "to …". */
export function fileProblem(error: unknown, what?: string): FileProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== undefined && NOT_FILES.test(syscall)) return undefined;
  const where = path === undefined ? '' : ` (${path})`;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return {
      code: 'disk_full',
      message: `There is no space left to ${what ?? 'write'}${where}.`,
      hint: 'Free some space, for example with omg rm or omg gc, and try again.',
    };
  }
  if (code === 'EROFS') {
    return {
      code: 'permission_denied',
      message: `Not permitted to ${what ?? 'write'}${where}: the file system is read-only.`,
      hint: 'Choose folders that can be written with OMG_HOME and OMG_MODELS.',
    };
  }
  if ((code === 'EACCES' || code === 'EPERM') && (path !== undefined || what !== undefined)) {
    return {
      code: 'permission_denied',
      message: `Not permitted to ${what ?? 'use a file'}${where}.`,
      hint: 'Check who owns it and the folders above it, or choose others with OMG_HOME and OMG_MODELS.',
    };
  }
  return undefined;
}
