import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegular } from '../library/index.ts';

/** Settings and templates are smaller. */
const TEXT_LIMIT_BYTES = 32 << 20;

/** What the life cycle reads of a model's files itself; everything else is the engine's. */
export interface ModelFiles {
  /** Changes when the model at the path does. */
  fingerprint(path: string): Promise<string>;
  /** A small text file; undefined when it is absent or cannot be read. */
  readText(path: string): Promise<string | undefined>;
}

export const diskFiles: ModelFiles = {
  /** A folder counts by its `config.json`. */
  async fingerprint(path) {
    let stats = await stat(path).catch(() => undefined);
    if (stats?.isDirectory()) stats = (await stat(join(path, 'config.json')).catch(() => undefined)) ?? stats;
    return stats === undefined ? 'missing' : `${stats.mtimeMs}:${stats.size}`;
  },
  readText: (path) =>
    readRegular(path, TEXT_LIMIT_BYTES).then(
      (bytes) => bytes.toString('utf8'),
      () => undefined,
    ),
};
