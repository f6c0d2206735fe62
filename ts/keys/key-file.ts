import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import { acquireLock } from '../library/index.ts';
import { type ApiKey, hashSecret, keySchema, makeSecret, type Scope } from './api-key.ts';
import type { Rate } from './rate.ts';

const fileSchema = z.object({ keys: z.array(keySchema) });
const LOCK_MS = 10_000;

export interface NewKey {
  name: string;
  scopes: Scope[];
  expires?: Date;
  rate?: Rate;
  concurrency?: number;
}

/** The file that holds what is known of the keys; only its owner can read it. Changes of several processes follow each other. */
export class KeyFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Throws `invalid_config` for a file that is damaged. */
  read(): ApiKey[] {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw new OmgError('permission_denied', `${this.path} cannot be read.`, { cause: error });
    }
    try {
      return fileSchema.parse(JSON.parse(text)).keys;
    } catch (error) {
      throw new OmgError('invalid_config', `${this.path} is not a list of API keys.`, {
        hint: 'Remove the file and create the keys again: `omg keys create`.',
        cause: error,
      });
    }
  }

  /** The secret is in the answer and nowhere else. Throws `conflict` where the name is taken. */
  async create({ name, scopes, expires, rate, concurrency }: NewKey): Promise<{ key: ApiKey; secret: string }> {
    const { id, secret } = makeSecret();
    const key: ApiKey = {
      id,
      name,
      hash: hashSecret(secret).toString('hex'),
      scopes,
      created: new Date().toISOString(),
      ...(expires === undefined ? {} : { expires: expires.toISOString() }),
      ...(rate === undefined ? {} : { rate }),
      ...(concurrency === undefined ? {} : { concurrency }),
    };
    await this.#change((keys) => {
      if (keys.some((other) => other.name === name)) {
        throw new OmgError('conflict', `There is a key named ${name} already.`, {
          hint: `Choose another name, or revoke it: \`omg keys revoke ${name}\`.`,
        });
      }
      return [...keys, key];
    });
    return { key, secret };
  }

  /** Takes a key out by its id or name; the file stays when it was the last. Throws `not_found`. */
  async revoke(idOrName: string): Promise<ApiKey> {
    let revoked: ApiKey | undefined;
    await this.#change((keys) => {
      revoked = keys.find(({ id }) => id === idOrName) ?? keys.find(({ name }) => name === idOrName);
      return keys.filter((key) => key !== revoked);
    });
    if (revoked !== undefined) return revoked;
    throw new OmgError('not_found', `There is no key ${idOrName}.`, { hint: '`omg keys list` shows them.' });
  }

  /** Whether a key was ever made here, so that one is needed, even if none is left. */
  get exists(): boolean {
    return existsSync(this.path);
  }

  /** Forgets that there were keys: programs of this machine need none again. Throws `conflict` while there are some. */
  async open(): Promise<void> {
    await this.#locked(async () => {
      const [first] = this.read();
      if (first !== undefined) {
        throw new OmgError('conflict', `There are keys still, such as ${first.name}.`, {
          hint: `Revoke them first: \`omg keys revoke ${first.name}\`.`,
        });
      }
      await rm(this.path, { force: true });
    });
  }

  async #locked(work: () => Promise<void>): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const lock = await acquireLock(`${this.path}.lock`, { timeoutMs: LOCK_MS });
    try {
      await work();
    } finally {
      await lock.release();
    }
  }

  async #change(change: (keys: ApiKey[]) => ApiKey[]): Promise<void> {
    await this.#locked(async () => {
      const keys = change(this.read());
      await writeFileAtomically(this.path, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600 });
    });
  }
}
