import { timingSafeEqual } from 'node:crypto';
import { type Stats, statSync } from 'node:fs';
import { OmgError } from '../errors/index.ts';
import { type ApiKey, hashSecret, SCOPES } from './api-key.ts';
import { KeyFile } from './key-file.ts';

interface Entry {
  key: ApiKey;
  hash: Buffer;
}

export interface KeyRingOptions {
  /** One key of the settings that may do everything; empty: none. */
  settingsKey: string;
  /** Where further keys are; absent: nowhere. */
  path?: string;
  /** Told about a file that became unreadable; the keys it had stay in force. */
  onError?: (error: OmgError) => void;
}

/** Who a request comes from when it sends the key of the settings. */
const SETTINGS_ID = 'settings';

/** The keys in force. A change of the file is seen with the next question, so that a revoked key ends at once. */
export class KeyRing {
  readonly #fixed: Entry[];
  readonly #file: KeyFile | undefined;
  readonly #onError: (error: OmgError) => void;
  #entries: Entry[] = [];
  #seen = '';

  /** Throws `invalid_config` for a file that is damaged from the start. */
  constructor({ settingsKey, path, onError = () => {} }: KeyRingOptions) {
    const created = new Date(0).toISOString();
    const key: ApiKey = { id: SETTINGS_ID, name: SETTINGS_ID, hash: '', scopes: [...SCOPES], created };
    this.#fixed = settingsKey === '' ? [] : [{ key, hash: hashSecret(settingsKey) }];
    this.#file = path === undefined ? undefined : new KeyFile(path);
    this.#onError = onError;
    this.#refresh((error) => {
      throw error;
    });
  }

  /** Whether there is no key at all; an expired one still is one. */
  get isEmpty(): boolean {
    this.#refresh(this.#onError);
    return this.#fixed.length + this.#entries.length === 0;
  }

  /** The key that one of the secrets belongs to, expired ones included. Takes as long whether and where it is found. */
  find(secrets: readonly string[]): ApiKey | undefined {
    this.#refresh(this.#onError);
    let found: ApiKey | undefined;
    for (const secret of secrets) {
      const hash = hashSecret(secret);
      for (const entry of [...this.#fixed, ...this.#entries]) {
        if (timingSafeEqual(hash, entry.hash)) found = entry.key;
      }
    }
    return found;
  }

  #refresh(onError: (error: OmgError) => void): void {
    if (this.#file === undefined) return;
    const state = describe(statSync(this.#file.path, { throwIfNoEntry: false }));
    if (state === this.#seen) return;
    this.#seen = state;
    try {
      this.#entries = this.#file.read().map((key) => ({ key, hash: Buffer.from(key.hash, 'hex') }));
    } catch (error) {
      onError(OmgError.from(error));
    }
  }
}

/** Renaming a file into place always changes its inode or time. */
function describe(stats: Stats | undefined): string {
  return stats === undefined ? '' : `${stats.ino}:${stats.mtimeMs}:${stats.size}`;
}
