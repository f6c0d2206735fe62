import type { ChatTemplates } from '../chat/index.ts';

import type { ModelInspector } from '../inference/index.ts';
import { displayName, type InstallRecord, modelPath } from '../library/index.ts';

import type { Clock } from './clock.ts';
import { headerWithProfile } from './created-model.ts';
import { type CachedHeader, HeaderCache, isVerdict } from './header-cache.ts';
import { detailsWithoutHeader, modelDetails } from './model-details.ts';
import type { ModelFiles } from './model-files.ts';
import { modelParameters } from './model-parameters.ts';
import type { LifecycleLog, ModelStore } from './ports.ts';
import type { InstalledModel, ModelDetails } from './types.ts';
import { withoutFolder } from './without-folder.ts';

/** A list is given without the details of those models whose headers take longer to read than this, all in all. */
const LIST_PATIENCE_MS = 3_000;

/** An installed model with all that its files say. */
export interface OpenedModel extends InstalledModel {
  header: CachedHeader;
}

/** The header with the template of the model's profile, and what comes of both. */
interface Described {
  header: CachedHeader;
  details: Promise<ModelDetails>;
}

/** The installed models with what their headers say, read once per file. */
export class ModelDirectory {
  readonly #store: ModelStore;
  readonly #engine: ModelInspector;
  readonly #templates: ChatTemplates;
  readonly #clock: Clock;
  readonly #log: LifecycleLog;
  readonly #files: ModelFiles;
  readonly #headers: HeaderCache;
  /** What was said of models that cannot be read, by their path. */
  readonly #told = new Map<string, string>();
  /** Details last as long as the header they were made from; models of one file differ in their profile. */
  readonly #details = new WeakMap<CachedHeader, Map<string, Described>>();

  constructor(
    store: ModelStore,
    engine: ModelInspector,
    templates: ChatTemplates,
    clock: Clock,
    log: LifecycleLog,
    files: ModelFiles,
  ) {
    this.#store = store;
    this.#engine = engine;
    this.#templates = templates;
    this.#clock = clock;
    this.#log = log;
    this.#headers = new HeaderCache(engine, files);
    this.#files = files;
  }

  /** Throws what `ModelStore.resolve` and `ModelInspector.inspect` throw. */
  async open(name: string): Promise<OpenedModel> {
    return this.openRecord(await this.#store.resolve(name));
  }

  async openRecord(record: InstallRecord): Promise<OpenedModel> {
    const read = await this.#headers.get(modelPath(record));
    const known = this.#details.get(read) ?? new Map<string, Described>();
    this.#details.set(read, known);
    let described = known.get(record.digest);
    if (described === undefined) {
      const header = headerWithProfile(read, record);
      const details = this.#makeDetails(record, read, header);
      described = { header, details };
      known.set(record.digest, described);
      details.catch(() => known.delete(record.digest));
    }
    const { header, details } = described;
    return { name: displayName(record.name), record, header, details: await details };
  }

  /** In the store's order, newest first. A damaged model is listed with what its record says. */
  async list(): Promise<InstalledModel[]> {
    const records = await this.#store.list();
    let cancel = (): void => {};
    const patience = new Promise<undefined>((resolve) => {
      cancel = this.#clock.timer(LIST_PATIENCE_MS, () => resolve(undefined));
    });
    try {
      return await Promise.all(
        records.map(async (record) => {
          const name = displayName(record.name);
          let problem: string | undefined;
          const opened = this.openRecord(record).catch((error: unknown) => {
            if (isVerdict(error)) problem = error.message;
            this.#tellOnce(record, name, error);
            return undefined;
          });
          const details = (await Promise.race([opened, patience]))?.details;
          return {
            name,
            record,
            details: details ?? detailsWithoutHeader(record, () => this.#tensors(record)),
            ...(problem === undefined ? {} : { problem }),
          };
        }),
      );
    } finally {
      cancel();
    }
  }

  /** A model that cannot be read is listed often, and said to be so once. */
  #tellOnce(record: InstallRecord, model: string, error: unknown): void {
    const text = String(error);
    if (this.#told.get(modelPath(record)) === text) return;
    this.#told.set(modelPath(record), text);
    this.#log.warn({ model, error: text }, 'cannot read the header of an installed model');
  }

  forget(record: InstallRecord): void {
    this.#told.delete(modelPath(record));
    this.#headers.forget(modelPath(record));
  }

  async #makeDetails(record: InstallRecord, read: CachedHeader, header: CachedHeader): Promise<ModelDetails> {
    const [verdict, parameters] = await Promise.all([
      this.#templates.abilities(header),
      modelParameters(header, record.localPath, this.#files),
    ]);
    if (verdict !== undefined && 'unusable' in verdict) {
      const name = displayName(record.name);
      if (!verdict.lasting) this.#details.get(read)?.delete(record.digest);
      this.#log.warn({ model: name, reason: verdict.unusable }, 'the chat template of a model cannot be used');
    }
    return modelDetails(header, verdict, parameters, record.profile, () => this.#tensors(record));
  }

  async #tensors(record: InstallRecord): ReturnType<ModelDetails['tensors']> {
    return (await withoutFolder(modelPath(record), this.#engine.inspect(modelPath(record)))).tensors;
  }
}
