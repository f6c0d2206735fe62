import { randomBytes } from 'node:crypto';

/** `prefix` and 24 random hex digits. */
export function newId(prefix: string): string {
  return prefix + randomBytes(12).toString('hex');
}
