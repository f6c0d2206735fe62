import { boundText, ChatTemplates } from '../chat/index.ts';
import { OmgError } from '../errors/index.ts';
import type {
  ChatEvent,
  ChatRequest,
  Engine,
  EngineKind,
  LoadedModel,
  PromptSegment,
  WorkEvent,
  WorkKind,
  WorkRequest,
} from '../inference/index.ts';
import { contentDigest, displayName, Gate, type InstallRecord } from '../library/index.ts';
import { Admission } from './admission.ts';
import { fittedPrompt, runChat } from './chat-run.ts';
import { type Clock, systemClock } from './clock.ts';
import { createModel } from './create-model.ts';
import { chatWithProfile } from './created-model.ts';
import { EventStream } from './event-stream.ts';
import { ModelDirectory, type OpenedModel } from './model-directory.ts';
import { diskFiles, type ModelFiles } from './model-files.ts';
import { mergeMaxTokens } from './model-parameters.ts';
import { ModelSlots } from './model-slots.ts';
import { ModelUse } from './model-use.ts';
import { DEFAULT_LIMITS, type LifecycleLog, type Limits, type ModelStore, type Puller, SILENT_LOG } from './ports.ts';
import { PromptHistory } from './prompt-history.ts';
import { Pulls } from './pulls.ts';
import { RequestMeter, type RequestObserver } from './request-meter.ts';
import { RequestScopes } from './request-scope.ts';
import { requireCapability } from './require-capability.ts';
import type {
  CreateEvent,
  CreateSpec,
  InstalledModel,
  LifecycleEvent,
  Models,
  PullJob,
  PullSpec,
  RunningModel,
  UseOptions,
} from './types.ts';
import { runWork, WORK_KINDS } from './work-kinds.ts';

export interface ModelManagerOptions {
  engine: Engine;
  library: ModelStore;
  puller: Puller;
  /** What is left out takes `DEFAULT_LIMITS`. */
  limits?: Partial<Limits>;
  /** Default: an own instance. The manager closes it. */
  templates?: ChatTemplates;
  clock?: Clock;
  log?: LifecycleLog;
  /** Default: the disk. */
  files?: ModelFiles;
  /** Called when a model was found for a request; what it gives is called when the request has ended. */
  observe?: () => RequestObserver;
  /** How people want a model loaded where a request does not say. */
  setUp?: SetUp;
}

type SetUp = (record: InstallRecord) => Pick<UseOptions, 'contextLength' | 'keepAliveMs' | 'engine'> | undefined;

/** Each reads or writes a whole model. */
const CREATIONS_AT_ONCE = 8;

/** Tokenizers opened without weights leave soon: they are quick to open again. */
const TOKENIZER_KEEP_ALIVE_MS = 60_000;

/** The models of one daemon: installed, loaded, on their way. The only implementation of `Models`. */
export class ModelManager implements Models {
  readonly #engine: Engine;
  readonly #store: ModelStore;
  readonly #templates: ChatTemplates;
  readonly #history = new PromptHistory();
  readonly #directory: ModelDirectory;
  readonly #events: EventStream;
  readonly #pulls: Pulls;
  readonly #clock: Clock;
  readonly #slots: ModelSlots;
  readonly #requests = new RequestScopes();
  readonly #creations = new Gate({ what: 'models', places: CREATIONS_AT_ONCE });
  readonly #observe: () => RequestObserver;
  readonly #setUp: SetUp;
  /** The setting; 0: the models' own. */
  readonly #contextLength: number;
  readonly #unreadMs: number;
  #closed: Promise<void> | undefined;

  constructor(options: ModelManagerOptions) {
    const { engine, library, puller } = options;
    const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
    const clock = options.clock ?? systemClock;
    const log = options.log ?? SILENT_LOG;
    this.#engine = engine;
    this.#store = library;
    this.#clock = clock;
    this.#contextLength = limits.contextLength ?? 0;
    this.#observe = options.observe ?? (() => () => {});
    this.#setUp = options.setUp ?? (() => undefined);
    this.#unreadMs = limits.unreadMs;
    this.#templates = options.templates ?? new ChatTemplates();
    this.#directory = new ModelDirectory(library, engine, this.#templates, clock, log, options.files ?? diskFiles);
    this.#events = new EventStream(() => clock.now());
    const admission = new Admission(engine, () => this.#slots.all(), limits.maxLoadedModels, log);
    this.#slots = new ModelSlots({
      engine,
      admission,
      clock,
      limits,
      log,
      events: this.#events,
      onChange: (slot) => {
        if (slot.vacant) this.#slots.forget(slot);
        admission.notify();
      },
    });
    this.#pulls = new Pulls({
      puller,
      clock,
      events: this.#events,
      onInstalled: (record) => this.#onInstalled(record),
    });
  }

  async resolve(name: string): Promise<InstalledModel> {
    const { header: _, ...model } = await this.#directory.open(name);
    return model;
  }

  list(): Promise<InstalledModel[]> {
    return this.#directory.list();
  }

  running(): RunningModel[] {
    const now = this.#clock.now();
    const left = (model: RunningModel): number => model.expiresAt ?? (model.state === 'stopping' ? now : Infinity);
    return this.#slots
      .all()
      .filter((slot) => !slot.tokenizerOnly)
      .flatMap((slot) => slot.snapshot() ?? [])
      .sort((a, b) => (left(a) === left(b) ? 0 : left(b) - left(a)));
  }

  async load(name: string, options: UseOptions = {}): Promise<RunningModel> {
    const opened = await this.#open(name);
    return this.#requests.run(options.signal, async (signal) => {
      const use = this.#asSetUp(opened, options);
      const slot = this.#slots.of(opened, engineOf(use));
      const lease = await slot.acquire({ ...use, signal });
      lease.release();
      // A load by itself is a choice: what another engine has begun with the model it ends, and new requests come here.
      for (const other of this.#slots.servingAll(opened.record))
        if (other !== slot) void other.unload('engine changed');
      const snapshot = slot.snapshot();
      if (snapshot === undefined) throw new OmgError('model_load_failed', `${opened.name} left memory at once.`);
      return snapshot;
    });
  }

  async unload(name: string, { abortAfterMs }: { abortAfterMs?: number } = {}): Promise<boolean> {
    const record = await this.#store.resolve(name);
    const slots = this.#slots.servingAll(record);
    if (slots.length === 0) return false;
    const unloading = Promise.all(slots.map((slot) => slot.unload('stopped'))).then((done) => done.includes(true));
    if (abortAfterMs === undefined) return unloading;
    // Those that come after this wait for the next load.
    const underWay = this.#requests.ofModel(contentDigest(record));
    const cancel = this.#clock.timer(abortAfterMs, () => {
      for (const scope of underWay) scope.abort();
    });
    return unloading.finally(cancel);
  }

  async *run<Kind extends WorkKind>(
    kind: Kind,
    name: string,
    request: WorkRequest<Kind>,
    options: UseOptions = {},
  ): AsyncGenerator<WorkEvent<Kind>> {
    const model = await this.#open(name);
    const { capability, prepare } = WORK_KINDS[kind];
    requireCapability(model, capability);
    const ready = (await prepare?.(request, { model, engine: this.#engine, signal: options.signal })) ?? request;
    yield* this.#use(kind, model, options, (loaded, signal) => runWork(kind, loaded, ready, options, signal));
  }

  async *chat(name: string, asked: ChatRequest, options: UseOptions = {}): AsyncGenerator<ChatEvent> {
    const opened = await this.#open(name);
    const merged = chatWithProfile(asked, opened.record);
    const { request: bounded, dropped } = boundText(merged, this.#window(opened, options));
    const request = { ...bounded, maxTokens: mergeMaxTokens(bounded.maxTokens, opened.details.parameters) };
    // Before the load: what the template refuses needs no weights.
    const prompt = await this.#templates.render(opened.header, request, options.signal);
    for (const grammar of [prompt.grammar, prompt.grammarAfterThoughts]) {
      if (grammar !== undefined) await this.#engine.checkGrammar(grammar, options.signal);
    }
    yield* this.#use('generate', opened, options, (model, signal) =>
      runChat({
        templates: this.#templates,
        history: this.#history,
        opened,
        request,
        dropped,
        prompt,
        model,
        run: (prompted) => runWork('generate', model, prompted, options, signal),
        signal,
      }),
    );
  }

  async renderChat(
    name: string,
    request: ChatRequest,
    { signal }: Pick<UseOptions, 'signal'> = {},
  ): Promise<PromptSegment[]> {
    const opened = await this.#directory.open(name);
    const { request: bounded } = boundText(chatWithProfile(request, opened.record), this.#window(opened, {}));
    return (await this.#templates.render(opened.header, bounded, signal)).segments;
  }

  async renderFitted(name: string, asked: ChatRequest, options: UseOptions = {}): Promise<PromptSegment[]> {
    const opened = await this.#open(name);
    const { request: bounded } = boundText(chatWithProfile(asked, opened.record), this.#window(opened, options));
    const request = { ...bounded, maxTokens: mergeMaxTokens(bounded.maxTokens, opened.details.parameters) };
    const prompt = await this.#templates.render(opened.header, request, options.signal);
    if (request.onOverflow !== 'drop-turns') return prompt.segments;
    return this.#requests.run(options.signal, async (signal) => {
      const use = this.#asSetUp(opened, options);
      const lease = await this.#slots.of(opened, engineOf(use)).acquire({ ...use, signal });
      try {
        const work = { templates: this.#templates, opened, request, prompt, model: lease.model, signal };
        return (await fittedPrompt(work)).segments;
      } finally {
        lease.release();
      }
    });
  }

  async tokenize(name: string, prompt: PromptSegment[], signal?: AbortSignal): Promise<number[]> {
    return this.#withTokenizer(name, signal, (model) => model.tokenize(prompt, signal));
  }

  async detokenize(name: string, tokens: number[], signal?: AbortSignal): Promise<string> {
    return this.#withTokenizer(name, signal, (model) => model.detokenize(tokens, signal));
  }

  async remove(name: string): Promise<void> {
    // What cannot be resolved may still be removed: a damaged manifest has a name.
    const record = await this.#store.resolve(name, { exact: true }).catch(() => undefined);
    const sharing =
      record &&
      (await this.#store.list()).find(
        (other) => displayName(other.name) !== displayName(record.name) && other.localPath === record.localPath,
      );
    if (record !== undefined && sharing !== undefined) {
      // Others go on with what is loaded.
      const shown = await this.#directory.openRecord(sharing);
      for (const slot of this.#slots.servingAll(record)) slot.showAs(shown);
    } else if (record !== undefined) {
      await this.#slots.tokenizer(record)?.unload('removed');
      await Promise.all(this.#slots.servingAll(record).map((slot) => slot.unload('removed')));
      this.#directory.forget(record);
    }
    await this.#store.remove(name);
  }

  async copy(source: string, destination: string, own?: { contextLength?: number }): Promise<void> {
    await this.#store.copy(source, destination, own);
  }

  async *create(spec: CreateSpec, signal?: AbortSignal): AsyncGenerator<CreateEvent> {
    this.#requests.assertOpen();
    const leave = await this.#creations.enter(signal);
    try {
      yield* this.#create(spec, signal);
    } finally {
      leave();
    }
  }

  #create(spec: CreateSpec, signal: AbortSignal | undefined): AsyncIterable<CreateEvent> {
    return createModel(spec, signal, {
      store: this.#store,
      engine: this.#engine,
      templates: this.#templates,
      open: (name) => this.#directory.open(name),
      pull: (model) => this.pull({ model }),
      onInstalled: (record) => this.#onInstalled(record),
    });
  }

  pull(spec: PullSpec): PullJob {
    return this.#pulls.pull(spec);
  }

  findPull(id: string): PullJob | undefined {
    return this.#pulls.find(id);
  }

  pulls(): PullJob[] {
    return this.#pulls.list();
  }

  events(signal?: AbortSignal): AsyncIterableIterator<LifecycleEvent> {
    return this.#events.subscribe(signal);
  }

  close(drainMs: number): Promise<void> {
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  async #close(drainMs: number): Promise<void> {
    this.#requests.close();
    const pulls = this.#pulls.close();
    for (const slot of this.#slots.all()) slot.close();
    await this.#requests.drain(this.#clock, drainMs);
    await pulls;
    await this.#engine.close();
    await this.#templates.close();
    this.#events.close();
  }

  /** The largest window that a request may come to have, tokens. */
  #window(opened: OpenedModel, options: UseOptions): number {
    const { contextLength = 0 } = this.#asSetUp(opened, options);
    const { header, record } = opened;
    return Math.max(header.trainedContextLength, contextLength, record.contextLength ?? 0, this.#contextLength);
  }

  /** What a request leaves open, people or its model's name may have said. */
  #asSetUp({ record }: OpenedModel, options: UseOptions): UseOptions {
    const { contextLength, keepAliveMs, engine } = this.#setUp(record) ?? {};
    return {
      ...options,
      engine: options.engine ?? engine,
      contextLength: options.contextLength ?? contextLength ?? record.contextLength,
      keepAliveMs: options.keepAliveMs ?? keepAliveMs,
    };
  }

  #open(name: string): Promise<OpenedModel> {
    this.#requests.assertOpen();
    return this.#directory.open(name);
  }

  /** Waits for the model, then hands on the events of the work with it. */
  async *#use<T extends WorkEvent | ChatEvent>(
    kind: WorkKind,
    opened: OpenedModel,
    options: UseOptions,
    work: (model: LoadedModel, signal: AbortSignal) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const use = new ModelUse({
      requests: this.#requests,
      scope: this.#requests.enter(options.signal, contentDigest(opened.record)),
      meter: new RequestMeter(opened.name, this.#clock, WORK_KINDS[kind].mode),
      observer: this.#observe(),
      clock: this.#clock,
      unreadMs: this.#unreadMs,
    });
    try {
      const asked = this.#asSetUp(opened, options);
      const model = await use.model(this.#slots.of(opened, engineOf(asked)), asked);
      yield* use.read(work(model, use.signal));
    } catch (error) {
      use.meter.fail(error);
      throw error;
    } finally {
      use.end();
    }
  }

  /** A loaded model's own tokenizer, else one opened without weights. */
  async #withTokenizer<T>(
    name: string,
    caller: AbortSignal | undefined,
    use: (model: LoadedModel) => Promise<T>,
  ): Promise<T> {
    const opened = await this.#open(name);
    const model = this.#slots.servingAll(opened.record).find(({ loadedModel }) => loadedModel)?.loadedModel;
    // Counting tokens takes no sequence, so it need not queue behind answers.
    if (model !== undefined) return use(model);
    return this.#requests.run(caller, async (signal) => {
      const lease = await this.#slots
        .of(opened, 'native', true)
        .acquire({ signal, keepAliveMs: TOKENIZER_KEEP_ALIVE_MS });
      try {
        return await use(lease.model);
      } finally {
        lease.release();
      }
    });
  }

  #onInstalled(record: InstallRecord): void {
    // Read ahead, so that the first list and the first chat need not wait.
    void this.#directory.openRecord(record).catch(() => {});
    const name = displayName(record.name);
    for (const slot of this.#slots.all()) {
      if (slot.name === name && contentDigest(slot.record) !== contentDigest(record)) void slot.unload('replaced');
    }
  }
}

function engineOf({ engine = 'native' }: Pick<UseOptions, 'engine'>): EngineKind {
  return engine;
}
