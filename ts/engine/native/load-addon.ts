import { createRequire } from 'node:module';
import { OmgError } from '../../errors/index.ts';
import type { Addon, Outcome } from './addon.ts';

/** Loads the addon into this process: for runners only. A module that is not a binary works too, as tests need. */
export function loadAddon(path: string): Addon {
  try {
    return createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    throw new OmgError('addon_unavailable', `The native engine could not be loaded: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The one place where errors of the addon are thrown. */
export async function unwrap<T>(answer: Outcome<T> | Promise<Outcome<T>>): Promise<T> {
  const outcome = await answer;
  if ('error' in outcome) throw OmgError.fromData(outcome.error);
  return outcome.ok;
}
