import { OmgError } from '../errors/index.ts';
import type { EngineKind, EngineLoad, LoadedModel, LoadedModelInfo } from '../inference/index.ts';
import type { InstallRecord } from '../library/index.ts';
import type { Occupant } from './admission.ts';
import type { EventStream } from './event-stream.ts';
import { KeepAlive } from './keep-alive.ts';
import { type LoadDeps, loadModel, loadSpec } from './load-model.ts';
import type { LifecycleLog } from './ports.ts';
import { RequestQueue, type Waiter, type WaitOptions } from './request-queue.ts';
import { type Lease, Resident } from './resident.ts';
import { SlotReporter } from './slot-reporter.ts';
import type { Capability, ModelDetails, RunningModel } from './types.ts';

/** What all slots share. */
export interface SlotDeps extends LoadDeps {
  log: LifecycleLog;
  events: EventStream;
  /** Requests that wait for any model. */
  waiting: () => number;
  /** Called when the slot's occupancy changed: something became idle, unloaded, or vacant. */
  onChange: (slot: ModelSlot) => void;
}

/** A request that has seen the runner die this often while it waited gets the error, so that no crash loops for ever. */
const MOST_CRASHES_WHILE_WAITING = 2;

/** So many times the queue of one model may wait for all of them together. */
const QUEUES_OVER_ALL = 4;

/** One model's place in memory: loads on demand, queues, expires. Reports through events, never throws into timers. */
export class ModelSlot implements Occupant {
  readonly name: string;
  readonly record: InstallRecord;
  readonly details: ModelDetails;
  readonly engine: EngineKind;
  readonly tokenizerOnly: boolean;
  readonly #with: SlotDeps;
  readonly #queue = new RequestQueue<Lease>();
  readonly #keepAlive: KeepAlive;
  readonly #report: SlotReporter;
  #state: 'vacant' | 'starting' | 'running' | 'stopping' = 'vacant';
  #resident: Resident | undefined;
  #load: AbortController | undefined;
  #askedContext = 0;
  /** Requests up to this one are served before the unload that was asked for. */
  #unloadAfter: number | undefined;
  #unloadReason = 'stopped';
  #unloaded: (() => void)[] = [];
  #closed = false;
  /** Of the names that share these files, the one that was asked for last. */
  #shown: Pick<RunningModel, 'name' | 'record' | 'details'>;

  constructor(
    name: string,
    record: InstallRecord,
    details: ModelDetails,
    deps: SlotDeps,
    engine: EngineKind = 'native',
    tokenizerOnly = false,
  ) {
    this.name = name;
    this.record = record;
    this.details = details;
    this.#shown = { name, record, details };
    this.engine = engine;
    this.tokenizerOnly = tokenizerOnly;
    this.#with = deps;
    this.#report = new SlotReporter(name, deps.events, deps.log, tokenizerOnly);
    this.#keepAlive = new KeepAlive(deps.clock, deps.limits.keepAliveMs);
  }

  get vacant(): boolean {
    return this.#state === 'vacant' && this.#queue.length === 0;
  }

  get fileBytes(): number {
    return this.record.sizeBytes;
  }

  get trainedContextLength(): number {
    return this.details.trainedContextLength;
  }

  /** What the model has taken, as planned; 0 while it is not in memory. */
  get memoryBytes(): number {
    return this.#resident?.model.info.memory.totalBytes ?? 0;
  }

  get resident(): boolean {
    return this.#resident !== undefined;
  }

  get idle(): boolean {
    return this.#state === 'running' && this.#resident?.active === 0 && this.#queue.length === 0;
  }

  get busy(): boolean {
    return this.#state === 'running' && !this.idle;
  }

  /** The model while it is in memory and stays there. */
  get loadedModel(): LoadedModel | undefined {
    return this.#state === 'running' && !this.leaving ? this.#resident?.model : undefined;
  }

  /** Already on its way out. */
  get leaving(): boolean {
    return this.#state === 'stopping' || this.#unloadAfter !== undefined;
  }

  /** Somebody waits for what the requests on the model take: for a sequence, a larger window, or its memory. */
  get isWanted(): boolean {
    return this.#queue.length > 0 || this.leaving || this.#closed || this.#keepAlive.atOnce;
  }

  get lastUsedMs(): number {
    return this.#keepAlive.lastUsedMs;
  }

  get active(): number {
    return this.#resident?.active ?? 0;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Waits for the model and a free sequence. Throws `server_busy`, `cancelled`, `shutting_down` and the errors of the load. */
  async acquire(options: WaitOptions): Promise<Lease> {
    if (this.#closed) throw shuttingDown();
    const { maxQueue, numParallel } = this.#with.limits;
    // While the model loads, those who will run at once when it is ready stand in the same line.
    const isFull = this.#queue.length >= maxQueue + Math.max(0, numParallel - this.active);
    const waiting = this.#with.waiting();
    if (isFull || waiting >= QUEUES_OVER_ALL * (maxQueue + numParallel)) {
      const queued = isFull ? this.#queue.length : waiting;
      throw new OmgError(
        'server_busy',
        `${isFull ? this.name : 'The daemon'} is busy: ${queued} requests wait already.`,
        {
          hint: 'Try again later, or raise the queue limit.',
          detail: { queued },
        },
      );
    }
    const lease = this.#queue.wait(options, () => this.#onWaiterLeft());
    this.#pump();
    this.#tellQueue();
    return lease;
  }

  /** Unloads after the requests that have arrived so far; false when nothing was loaded. */
  async unload(reason: string): Promise<boolean> {
    if (this.#state === 'vacant') return false;
    const gone = new Promise<void>((resolve) => this.#unloaded.push(resolve));
    if (this.#state !== 'stopping' && this.#unloadAfter === undefined) {
      this.#unloadAfter = this.#queue.lastSequence;
      this.#unloadReason = reason;
      this.#pump();
    }
    await gone;
    return true;
  }

  /** Refuses what waits and what comes. Requests that run go on. */
  close(): void {
    this.#closed = true;
    this.#queue.failWhere(shuttingDown());
    this.#load?.abort();
    this.#pump();
  }

  /** Shows the model under another name that shares its files. */
  showAs({ name, record, details }: Pick<RunningModel, 'name' | 'record' | 'details'>): void {
    this.#shown = { name, record, details };
  }

  snapshot(): RunningModel | undefined {
    if (this.#state === 'vacant') return undefined;
    const info: LoadedModelInfo | undefined = this.#resident?.model.info;
    const pid = this.#resident?.model.pid;
    return {
      ...this.#shown,
      state: this.#state,
      ...(info === undefined ? {} : { info }),
      ...(pid === undefined ? {} : { pid }),
      ...(this.#resident === undefined ? {} : { engine: this.#resident.model.engine }),
      ...(this.idle ? { expiresAt: this.#keepAlive.expiresAt } : {}),
      lastUsedAt: this.lastUsedMs,
      activeRequests: this.active,
      queuedRequests: this.#queue.length,
    };
  }

  /** The one place that decides what happens next; called after every change. */
  #pump(): void {
    if (this.#state === 'starting' || this.#state === 'stopping') return;
    const resident = this.#resident;
    if (this.#state === 'vacant' || resident === undefined) {
      if (this.#queue.length > 0) void this.#start();
      else this.#with.onChange(this);
      return;
    }
    this.#keepAlive.disarm();
    while (resident.active < this.#with.limits.numParallel) {
      const head = this.#queue.head;
      if (head === undefined || this.#mustWaitForReload(head, resident)) break;
      this.#grant(head, resident);
    }
    if (resident.active > 0) return;
    if (this.#unloadAfter !== undefined) void this.#stop(this.#unloadReason);
    else if (this.#queue.length > 0) void this.#stop('larger context');
    else if (this.#keepAlive.atOnce) void this.#stop('keep_alive 0');
    else this.#keepAlive.arm(() => void (this.idle && this.#stop('idle')));
  }

  #mustWaitForReload(head: Waiter<Lease>, resident: Resident): boolean {
    if (this.#unloadAfter !== undefined && head.sequence > this.#unloadAfter) return true;
    if (head.contextLength === undefined || head.contextLength <= this.#askedContext) return false;
    const { contextLength, trainedContextLength } = resident.model.info;
    return Math.min(head.contextLength, trainedContextLength) > contextLength;
  }

  #grant(waiter: Waiter<Lease>, resident: Resident): void {
    this.#keepAlive.set(waiter.keepAliveMs);
    const lease = resident.lease(() => {
      if (resident !== this.#resident) return;
      this.#keepAlive.used();
      this.#pump();
      this.#tellQueue();
      if (this.idle) this.#with.onChange(this);
    });
    waiter.grant(lease);
  }

  async #start(): Promise<void> {
    this.#state = 'starting';
    const abort = new AbortController();
    this.#load = abort;
    const asked = this.#queue.largestContextLength;
    this.#askedContext = asked ?? 0;
    const spec: EngineLoad = {
      ...loadSpec(this.record, this.#with.limits, asked, this.tokenizerOnly),
      engine: this.engine,
      capabilities: this.details.capabilities.filter(isWork),
    };
    this.#report.step('model.loading');
    try {
      const model = await loadModel(this, spec, abort.signal, this.#with);
      this.#load = undefined;
      const resident = new Resident(model);
      this.#resident = resident;
      this.#state = 'running';
      this.#keepAlive.reset();
      void model.gone.then((exit) => this.#onGone(resident, exit.reason === 'crashed' ? exit.message : undefined));
      this.#report.step('model.loaded');
    } catch (error) {
      this.#load = undefined;
      this.#becomeVacant();
      const failure = OmgError.from(error);
      if (!abort.signal.aborted) {
        // Who asked for no more than the default may still fit where the larger window did not.
        this.#queue.failWhere(failure, (waiter) => asked === undefined || (waiter.contextLength ?? 0) >= asked);
        this.#report.problem(failure.message, { code: failure.code });
      }
      this.#report.step('model.unloaded', abort.signal.aborted ? 'cancelled' : failure.code);
    }
    this.#pump();
    this.#tellQueue();
  }

  async #stop(reason: string): Promise<void> {
    const resident = this.#resident;
    if (resident === undefined) return;
    this.#state = 'stopping';
    this.#keepAlive.disarm();
    this.#with.onChange(this);
    await resident.model.unload().catch((error: unknown) => {
      this.#report.problem('the runner did not unload cleanly', { error: String(error) });
    });
    if (this.#resident !== resident) return;
    this.#becomeVacant();
    this.#report.step('model.unloaded', reason);
    this.#pump();
  }

  #onGone(resident: Resident, crash: string | undefined): void {
    if (this.#resident !== resident || this.#state === 'stopping') return;
    this.#becomeVacant();
    this.#report.step('model.unloaded', crash === undefined ? 'stopped' : 'crashed');
    if (crash !== undefined) this.#report.problem(crash);
    this.#queue.forEach((waiter) => {
      waiter.crashes += 1;
      if (waiter.crashes >= MOST_CRASHES_WHILE_WAITING) {
        waiter.fail(new OmgError('runner_crashed', crash ?? 'The process that ran the model ended.'));
      }
    });
    this.#pump();
  }

  #becomeVacant(): void {
    this.#keepAlive.disarm();
    this.#resident = undefined;
    this.#state = 'vacant';
    this.#unloadAfter = undefined;
    const unloaded = this.#unloaded;
    this.#unloaded = [];
    for (const resolve of unloaded) resolve();
    this.#with.onChange(this);
  }

  #onWaiterLeft(): void {
    if (this.#state === 'starting' && this.#queue.length === 0) this.#load?.abort();
    else this.#pump();
    this.#tellQueue();
  }

  #tellQueue(): void {
    this.#report.queue(this.active, this.queued);
  }
}

/** What an engine may have to be started for. */
function isWork(capability: Capability): capability is 'completion' | 'embedding' | 'rerank' {
  return capability === 'completion' || capability === 'embedding' || capability === 'rerank';
}

function shuttingDown(): OmgError {
  return new OmgError('shutting_down', 'The daemon is stopping.');
}
