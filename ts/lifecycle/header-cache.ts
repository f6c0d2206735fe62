import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine, ModelHeader } from '../inference/index.ts';

/** A header without its tensor list, which is long and rarely asked for. */
export type CachedHeader = Omit<ModelHeader, 'tensors'>;

/** Headers by path, read again when the file changes. One reading however many ask at once. */
export class HeaderCache {
  readonly #engine: Engine;
  readonly #fingerprint: (path: string) => Promise<string>;
  readonly #headers = new Map<string, { fingerprint: string; header: Promise<CachedHeader> }>();

  constructor(engine: Engine, fingerprint: (path: string) => Promise<string> = fileFingerprint) {
    this.#engine = engine;
    this.#fingerprint = fingerprint;
  }

  async get(path: string): Promise<CachedHeader> {
    const fingerprint = await this.#fingerprint(path);
    const known = this.#headers.get(path);
    if (known?.fingerprint === fingerprint) return known.header;
    const header = this.#engine.inspect(path).then(({ tensors: _, ...rest }) => rest);
    const entry = { fingerprint, header };
    this.#headers.set(path, entry);
    // A failure is not remembered: the next request reads again.
    header.catch(() => {
      if (this.#headers.get(path) === entry) this.#headers.delete(path);
    });
    return header;
  }

  forget(path: string): void {
    this.#headers.delete(path);
  }
}

/** Changes when the file does. A folder counts by its `config.json`. */
async function fileFingerprint(path: string): Promise<string> {
  let stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory()) stats = (await stat(join(path, 'config.json')).catch(() => undefined)) ?? stats;
  return stats === undefined ? 'missing' : `${stats.mtimeMs}:${stats.size}`;
}
