import { fileProblem, OmgError } from '../errors/index.ts';

/** An error of the file system as the product reports it; others pass unchanged. */
export function toStoreError(error: unknown, what: string): unknown {
  const problem = fileProblem(error, what);
  if (problem === undefined) return error;
  return new OmgError(problem.code, problem.message, { hint: problem.hint, cause: error });
}

/** Runs a change of the store, reporting the errors of the file system by their own codes. */
export async function asStoreChange<T>(what: string, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    throw toStoreError(error, what);
  }
}
