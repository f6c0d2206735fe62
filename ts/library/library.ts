import { mkdir, rm, stat } from 'node:fs/promises';
import { OmgError } from '../errors/index.ts';
import { UserAliases } from './aliases.ts';
import type { BlobStore } from './blob-store.ts';
import { type BundledModel, BundledModels } from './bundled.ts';
import { collectGarbage, type GcReport, removeFiles } from './collect.ts';
import { diskFull, freeBytesOf } from './free-space.ts';
import { Gate } from './gate.ts';
import { type ImportOptions, type ImportResult, importLocal } from './import-local.ts';
import { commitInstall, type InstallInput, type InstallStep } from './install.ts';
import { type BlobsInput, installBlobs } from './install-blobs.ts';
import { installQuantized, type QuantizedInput } from './install-quantized.ts';
import { type Lease, takeLease } from './leases.ts';
import { acquireLock } from './lock-file.ts';
import { digestOf, isManaged, writeManifest } from './manifest.ts';
import { ManifestIndex, type StoreProblem } from './manifest-index.ts';
import { displayName, nameKey, parseModelName } from './names.ts';
import { type ResolveOptions, resolveName } from './resolve-name.ts';
import { asStoreChange } from './store-error.ts';
import { StoreLayout } from './store-layout.ts';
import type { InstallRecord, ModelName } from './types.ts';

/** A disk that does not answer holds a thread of the process for each file that is asked for, and there are four. */
const IMPORTS_AT_ONCE = 2;
const IMPORTS_WAITING = 16;
const UPLOADS_AT_ONCE = 32;

const DAY_MS = 24 * 60 * 60 * 1000;

export interface LibraryOptions {
  /** Absolute. Made when something is first written to it. */
  modelsDir: string;
  /** The user's `aliases.yaml`. */
  aliasesFile?: string;
  bundled?: BundledModel[];
  /** Longest wait for another process that changes the store; default 30 s. */
  lockTimeoutMs?: number;
  /** Free bytes on the disk of a folder; for tests. */
  freeBytes?: (folder: string) => Promise<number>;
  /** For tests of crashes: called before each step of a change. */
  onStep?: (step: InstallStep) => void;
}

/** What a copy may have for itself. */
export type OwnTraits = Pick<InstallRecord, 'contextLength' | 'profile'>;

export interface RemoveResult {
  /** Display form of the name that is gone. */
  name: string;
  /** Absent when the manifest was damaged. */
  record?: InstallRecord;
  /** Bytes that are free on disk now; blobs of other models and files of other programs are not counted. */
  freedBytes: number;
}

/** The installed models. Any number of processes may use one folder at once; every change is whole or not at all. */
export class Library implements BlobStore {
  readonly layout: StoreLayout;
  /** Lets uploads in. */
  readonly uploads = new Gate({ what: 'uploads', places: UPLOADS_AT_ONCE });
  readonly #options: LibraryOptions;
  readonly #index: ManifestIndex;
  readonly #aliases: UserAliases;
  readonly #bundled: BundledModels;
  readonly #imports = new Gate({ what: 'imports', places: IMPORTS_AT_ONCE, waiting: IMPORTS_WAITING });

  constructor(options: LibraryOptions) {
    this.#options = options;
    this.layout = new StoreLayout(options.modelsDir);
    this.#index = new ManifestIndex(this.layout);
    this.#aliases = new UserAliases(options.aliasesFile);
    this.#bundled = new BundledModels(options.bundled ?? []);
  }

  /** Newest first, bundled models last. */
  async list(): Promise<InstallRecord[]> {
    return await asStoreChange('read the models folder', async () => {
      const installed = await this.#index.records();
      const taken = new Set(installed.map(({ name }) => nameKey(name)));
      const bundled = (await this.#bundled.records()).filter(({ name }) => !taken.has(nameKey(name)));
      return [...installed, ...bundled];
    });
  }

  /** Finds a model by any accepted form. Throws `model_not_found`, `ambiguous_model_name`, `invalid_model_name`. */
  async resolve(name: string, options?: ResolveOptions): Promise<InstallRecord> {
    const [records, aliases] = await Promise.all([this.list(), this.#aliases.table()]);
    return resolveName(name, records, (key) => aliases.get(key), options);
  }

  /** What the user's aliases map a name to; undefined when it is no alias. */
  async aliasTarget(name: ModelName): Promise<string | undefined> {
    return (await this.#aliases.table()).get(nameKey(name));
  }

  /** Damaged manifests and aliases, which are skipped. */
  async problems(): Promise<StoreProblem[]> {
    await this.#aliases.table();
    const alias = this.#aliases.problem;
    return [...(await this.#index.problems()), ...(alias === undefined ? [] : [alias])];
  }

  /** Registers a model whose blobs are in the store, replacing one of the same name. Atomic. */
  async install(input: InstallInput): Promise<InstallRecord> {
    return await this.#change('install the model', async () => {
      const before = await this.#index.records();
      const old = before.find(({ name }) => nameKey(name) === nameKey(input.name));
      // Names that differ only in case are one model, and the stored casing stays.
      const name = old?.name ?? input.name;
      const onStep = this.#options.onStep ?? (() => {});
      const record = await commitInstall({ ...input, name }, this.layout, onStep);
      onStep('clean');
      if (old !== undefined) {
        const remaining = before.filter((other) => other !== old);
        await removeFiles(old, [...remaining, record], this.layout).catch(() => {});
      }
      return record;
    });
  }

  /** Gives a model a second name, perhaps with a window or a profile of its own; the two share their files. Replaces a model of that name. */
  async copy(source: string, destination: string | ModelName, own: OwnTraits = {}): Promise<InstallRecord> {
    const name = typeof destination === 'string' ? parseModelName(destination).name : destination;
    const from = await this.resolve(source);
    return await this.#change('copy the model', async () => {
      const before = await this.#index.records();
      const old = before.find((record) => nameKey(record.name) === nameKey(name));
      const isSame = own.contextLength === undefined && own.profile === undefined;
      if (old !== undefined && nameKey(from.name) === nameKey(name) && isSame) return old;
      // Looked up again under the lock: it may have been removed since.
      const kept = from.source.scheme === 'bundled' || before.some((record) => record.digest === from.digest);
      if (!kept) throw new OmgError('model_not_found', `model ${JSON.stringify(source)} not found`);
      const record = {
        ...from,
        ...(own.contextLength === undefined ? {} : { contextLength: own.contextLength }),
        ...(own.profile === undefined ? {} : { profile: own.profile, digest: digestOf(from.artifacts, own.profile) }),
        name: old?.name ?? name,
        installedAt: new Date().toISOString(),
      };
      await mkdir(this.layout.manifests, { recursive: true });
      await writeManifest(record, this.layout);
      if (old !== undefined) {
        const remaining = before.filter((other) => other !== old);
        await removeFiles(old, [...remaining, record], this.layout).catch(() => {});
      }
      return record;
    });
  }

  /** Removes one name, and the files that no other name uses. Goes by exact names, ids and the user's aliases only. */
  async remove(name: string): Promise<RemoveResult> {
    return await this.#change('remove the model', async () => {
      if (await this.#removeDamaged(name)) return { name: displayName(parseModelName(name).name), freedBytes: 0 };
      const record = await this.resolve(name, { exact: true });
      const installed = await this.#index.records();
      if (!installed.includes(record)) {
        throw new OmgError('conflict', `${displayName(record.name)} comes with omg and cannot be removed.`, {
          hint: 'It takes no space of the models folder.',
        });
      }
      await rm(this.layout.manifest(record.name), { force: true });
      const remaining = installed.filter((other) => other !== record);
      // The model is gone with its manifest. Files that cannot be removed now (Windows: in use) are left to gc.
      const freedBytes = await removeFiles(record, remaining, this.layout).catch(() => 0);
      return { name: displayName(record.name), record, freedBytes };
    });
  }

  /**
   * Removes what nothing refers to. What a living pull works on stays, and so do stopped downloads until they have lain for
   * `partialAgeMs` (default a day).
   */
  async gc(options: { dryRun?: boolean; partialAgeMs?: number } = {}): Promise<GcReport> {
    return await this.#change('clean the models folder', async () => {
      const records = await this.#index.records();
      const keepInstalled = (await this.#index.problems()).length > 0;
      return await collectGarbage(records, this.layout, {
        dryRun: options.dryRun ?? false,
        keepInstalled,
        partialAgeMs: options.partialAgeMs ?? DAY_MS,
      });
    });
  }

  /** Installs a model of this machine's own folders; see `importLocal`. Throws `server_busy` where many are being imported. */
  async import(path: string, options?: ImportOptions): Promise<ImportResult> {
    return await this.#imports.run(() => importLocal(this, path, options), options?.signal);
  }

  /** Installs a model of blobs that are in the store; see `installBlobs`. */
  async createFromBlobs(input: BlobsInput, inspect: (path: string) => Promise<unknown>): Promise<InstallRecord> {
    return await installBlobs(this, input, inspect);
  }

  /** Installs a GGUF file that `make` writes from another one; see `installQuantized`. */
  async createQuantized(
    input: QuantizedInput,
    make: (from: string, to: string) => Promise<void>,
  ): Promise<InstallRecord> {
    return await installQuantized(this, input, make);
  }

  /** Throws `disk_full` when the disk of the store has less room than asked for. */
  async ensureSpace(neededBytes: number): Promise<void> {
    const freeBytes = await (this.#options.freeBytes ?? freeBytesOf)(this.layout.root);
    if (neededBytes > freeBytes) throw diskFull(this.layout.root, neededBytes, freeBytes);
  }

  /** Keeps blobs that are about to be installed from `gc` and `remove` of any process. */
  async lease(sha256: readonly string[]): Promise<Lease> {
    return await asStoreChange('write to the models folder', () => takeLease(this.layout, sha256));
  }

  /** A file with these bytes in the store: a blob, or where links cannot be made the file of a model. Absent size: any. */
  async findBlob(sha256: string, size?: number): Promise<string | undefined> {
    const candidates = [this.layout.blob(sha256)];
    for (const record of await this.#index.records()) {
      if (!isManaged(record, this.layout)) continue;
      const artifact = record.artifacts.find((other) => other.sha256 === sha256);
      if (artifact !== undefined) candidates.push(`${record.localPath}/${artifact.filename}`);
    }
    for (const path of candidates) {
      const stats = await stat(path).catch(() => undefined);
      if (stats?.isFile() && (size === undefined || stats.size === size)) return path;
    }
    return undefined;
  }

  /** A damaged manifest is no record, but a name still says which file to remove. */
  async #removeDamaged(name: string): Promise<boolean> {
    const problems = await this.#index.problems();
    if (problems.length === 0) return false;
    const path = this.layout.manifest(parseModelName(name).name);
    if (!problems.some((problem) => problem.path === path)) return false;
    await rm(path, { force: true });
    return true;
  }

  /** Manifests of an older version are written anew. A disk that is full must not keep a model from being removed. */
  async #renewManifests(): Promise<void> {
    const outdated = await this.#index.outdated();
    for (const record of outdated) await writeManifest(record, this.layout).catch(() => {});
    if (outdated.length > 0) this.#index.invalidate();
  }

  async #change<T>(what: string, change: () => Promise<T>): Promise<T> {
    return await asStoreChange(what, async () => {
      await mkdir(this.layout.root, { recursive: true });
      const lock = await acquireLock(this.layout.lock, { timeoutMs: this.#options.lockTimeoutMs ?? 30_000 });
      try {
        this.#index.invalidate();
        await this.#renewManifests();
        return await change();
      } finally {
        this.#index.invalidate();
        await lock.release();
      }
    });
  }
}
