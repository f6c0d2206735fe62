import { timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
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

/** The state of a file that is not there. */
const ABSENT = '';

/** Who a request comes from when it sends the key of the settings. */
const SETTINGS_ID = 'settings';

/** The keys in force. A change of the file is seen with the next question, so that a revoked key ends at once. */
export class KeyRing {
  readonly #fixed: Entry[];
  readonly #file: KeyFile | undefined;
  readonly #onError: (error: OmgError) => void;
  #entries: Entry[] = [];
  #seen = ABSENT;

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

  /**
   * Whether nobody needs a key, since none was ever made here. One that has expired, or was the last and is revoked, leaves a file behind,
   * and then a key is needed all the same.
   */
  get isOpen(): boolean {
    this.#refresh(this.#onError);
    return this.#fixed.length === 0 && this.#seen === ABSENT;
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
    const state = describe(this.#file.path);
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
function describe(path: string): string {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? ABSENT : `${stats.ino}:${stats.mtimeMs}:${stats.size}`;
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code}`;
  }
}
