import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPORARY_PREFIX } from '../config/index.ts';
import { parseManifest } from './manifest.ts';
import { manifestFile, type StoreLayout } from './store-layout.ts';
import type { InstallRecord } from './types.ts';

/** A manifest that cannot be read. The model is not listed; everything else works. */
export interface StoreProblem {
  path: string;
  message: string;
}

interface Entry {
  /** Changes when the file does. */
  stamp: string;
  record?: InstallRecord;
  /** Absent where the manifest has the form of an older version. */
  isCurrent?: boolean;
  problem?: StoreProblem;
}

interface Seen {
  entries: ReadonlyMap<string, Entry>;
  records: readonly InstallRecord[];
  problems: readonly StoreProblem[];
}

/** File systems stamp folders in steps of up to 2 s; a change within the step of the last look would be missed. */
const COARSEST_STAMP_MS = 2_100;

/** The manifests in memory, newest first. Asking costs one `stat` while nothing changes, whichever process changes it. */
export class ManifestIndex {
  readonly #layout: StoreLayout;
  #seen: Seen = { entries: new Map(), records: [], problems: [] };
  /** Stamp of the folder that the entries are good for; absent when the next look has to read it again. */
  #folderStamp: bigint | undefined;
  #looking: Promise<Seen> | undefined;

  constructor(layout: StoreLayout) {
    this.#layout = layout;
  }

  async records(): Promise<readonly InstallRecord[]> {
    return (await this.#look()).records;
  }

  /** Records whose manifests an older version wrote. */
  async outdated(): Promise<InstallRecord[]> {
    const entries = [...(await this.#look()).entries.values()];
    return entries.flatMap(({ record, isCurrent }) => (record === undefined || isCurrent ? [] : [record]));
  }

  async problems(): Promise<readonly StoreProblem[]> {
    return (await this.#look()).problems;
  }

  /** Makes the next look read the folder, for changes made by this process. */
  invalidate(): void {
    this.#folderStamp = undefined;
    this.#looking = undefined;
  }

  /** Concurrent callers share one look. */
  #look(): Promise<Seen> {
    if (this.#looking !== undefined) return this.#looking;
    const looking = this.#lookNow().finally(() => {
      if (this.#looking === looking) this.#looking = undefined;
    });
    this.#looking = looking;
    return looking;
  }

  async #lookNow(): Promise<Seen> {
    const folder = this.#layout.manifests;
    const before = await stat(folder, { bigint: true }).catch(missingAsUndefined);
    if (before !== undefined && before.mtimeNs === this.#folderStamp) return this.#seen;
    const files = before === undefined ? [] : ((await readdir(folder).catch(missingAsUndefined)) ?? []);
    const entries = new Map<string, Entry>();
    await Promise.all(
      files
        .filter((file) => file.endsWith('.json') && !file.startsWith(TEMPORARY_PREFIX))
        .map(async (file) => {
          const entry = await this.#read(file);
          if (entry !== undefined) entries.set(file, entry);
        }),
    );
    const all = [...entries.values()];
    const seen: Seen = {
      entries,
      records: all
        .flatMap(({ record }) => (record === undefined ? [] : [record]))
        .sort((a, b) => b.installedAt.localeCompare(a.installedAt) || a.digest.localeCompare(b.digest)),
      problems: all.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
    };
    this.#seen = seen;
    const settled = before !== undefined && Date.now() - Number(before.mtimeMs) > COARSEST_STAMP_MS;
    this.#folderStamp = settled ? before.mtimeNs : undefined;
    return seen;
  }

  async #read(file: string): Promise<Entry | undefined> {
    const path = join(this.#layout.manifests, file);
    const stats = await stat(path, { bigint: true }).catch(() => undefined);
    if (stats === undefined) return undefined;
    const stamp = `${stats.ino} ${stats.mtimeNs} ${stats.size}`;
    const known = this.#seen.entries.get(file);
    if (known?.stamp === stamp) return known;
    try {
      const { record, isCurrent } = parseManifest(await readFile(path, 'utf8'), this.#layout);
      if (manifestFile(record.name) !== file) throw new Error('the file belongs to another name');
      return { stamp, record, isCurrent };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      return { stamp, problem: { path, message: error instanceof Error ? error.message : String(error) } };
    }
  }
}

function missingAsUndefined(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
