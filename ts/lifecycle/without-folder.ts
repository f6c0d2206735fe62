import { dirname, sep } from 'node:path';
import { OmgError } from '../errors/index.ts';

/**
 * Waits for work with the files of an installed model. Its errors name them without the folder they lie in: they reach everybody who may ask the
 * model, and where it lies is for those who manage it (`omg show`).
 */
export async function withoutFolder<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof OmgError)) throw error;
    const [message, hint] = [error.message, error.hint].map((text) => text && nameFiles(text, path));
    if (message === error.message && hint === error.hint) throw error;
    throw new OmgError(error.code, message ?? '', { hint, detail: error.detail, cause: error });
  }
}

function nameFiles(text: string, path: string): string {
  return text.replaceAll(`${path}${sep}`, '').replaceAll(`${dirname(path)}${sep}`, '');
}
