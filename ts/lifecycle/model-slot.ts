import { OmgError } from '../errors/index.ts';
import type { Engine, LoadedModel, LoadedModelInfo, LoadSpec } from '../inference/index.ts';
import type { InstallRecord } from '../library/index.ts';
import type { Admission } from './admission.ts';
import type { Clock } from './clock.ts';
import type { EventStream } from './event-stream.ts';
import { loadModel } from './load-model.ts';
import type { LifecycleLog, Limits } from './ports.ts';
import { RequestQueue, type Waiter, type WaitOptions } from './request-queue.ts';
import type { ModelDetails, RunningModel } from './types.ts';

/** What all slots share. */
export interface SlotSurroundings {
  engine: Engine;
  admission: Admission;
  clock: Clock;
  limits: Limits;
  log: LifecycleLog;
  events: EventStream;
  /** Called when the slot's occupancy changed: something became idle, unloaded, or vacant. */
  onChange: (slot: ModelSlot) => void;
}

/** The right to run one request on a loaded model. `release` is idempotent. */
export interface Lease {
  readonly model: LoadedModel;
  readonly loadMs: number;
  release(): void;
}

interface Resident {
  model: LoadedModel;
  active: number;
}

/** A request that has seen the runner die this often while it waited gets the error, so that no crash loops for ever. */
const MOST_CRASHES_WHILE_WAITING = 2;

/** One model's place in memory: loads on demand, queues, expires. Reports through events, never throws into timers. */
export class ModelSlot {
  readonly name: string;
  readonly record: InstallRecord;
  readonly details: ModelDetails;
  readonly tokenizerOnly: boolean;
  readonly #with: SlotSurroundings;
  readonly #queue = new RequestQueue<Lease>();
  #state: 'vacant' | 'starting' | 'running' | 'stopping' = 'vacant';
  #resident: Resident | undefined;
  #load: AbortController | undefined;
  #keepAliveMs: number;
  #askedContext = 0;
  #lastUsedMs: number;
  #cancelExpiry: (() => void) | undefined;
  /** Requests up to this one are served before the unload that was asked for. */
  #unloadAfter: number | undefined;
  #unloadReason = 'stopped';
  #unloaded: (() => void)[] = [];
  #closed = false;

  constructor(
    name: string,
    record: InstallRecord,
    details: ModelDetails,
    surroundings: SlotSurroundings,
    tokenizerOnly = false,
  ) {
    this.name = name;
    this.record = record;
    this.details = details;
    this.tokenizerOnly = tokenizerOnly;
    this.#with = surroundings;
    this.#keepAliveMs = surroundings.limits.keepAliveMs;
    this.#lastUsedMs = surroundings.clock.now();
  }

  get vacant(): boolean {
    return this.#state === 'vacant' && this.#queue.length === 0;
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

  get lastUsedMs(): number {
    return this.#lastUsedMs;
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
    if (this.#queue.length >= maxQueue + Math.max(0, numParallel - this.active)) {
      throw new OmgError('server_busy', `${this.name} is busy: ${this.#queue.length} requests wait already.`, {
        hint: 'Try again later, or raise the queue limit.',
        detail: { queued: this.#queue.length },
      });
    }
    const lease = this.#queue.wait(options, () => this.#onWaiterLeft());
    this.#pump();
    this.#publishQueue();
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

  snapshot(): RunningModel | undefined {
    if (this.#state === 'vacant') return undefined;
    const info: LoadedModelInfo | undefined = this.#resident?.model.info;
    const pid = this.#resident?.model.pid;
    return {
      name: this.name,
      record: this.record,
      state: this.#state,
      ...(info === undefined ? {} : { info }),
      ...(pid === undefined ? {} : { pid }),
      ...(this.idle ? { expiresAt: this.#lastUsedMs + this.#keepAliveMs } : {}),
      activeRequests: this.active,
      queuedRequests: this.#queue.length,
      details: this.details,
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
    this.#cancelExpiry?.();
    this.#cancelExpiry = undefined;
    while (resident.active < this.#with.limits.numParallel) {
      const head = this.#queue.head;
      if (head === undefined || this.#mustWaitForReload(head, resident)) break;
      this.#grant(head, resident);
    }
    if (resident.active > 0) return;
    if (this.#unloadAfter !== undefined) void this.#stop(this.#unloadReason);
    else if (this.#queue.length > 0) void this.#stop('larger context');
    else if (this.#keepAliveMs <= 0) void this.#stop('keep_alive 0');
    else this.#armExpiry();
  }

  #mustWaitForReload(head: Waiter<Lease>, resident: Resident): boolean {
    if (this.#unloadAfter !== undefined && head.sequence > this.#unloadAfter) return true;
    if (head.contextLength === undefined || head.contextLength <= this.#askedContext) return false;
    const { contextLength, trainedContextLength } = resident.model.info;
    return Math.min(head.contextLength, trainedContextLength) > contextLength;
  }

  #grant(waiter: Waiter<Lease>, resident: Resident): void {
    if (waiter.keepAliveMs !== undefined) this.#keepAliveMs = waiter.keepAliveMs;
    resident.active += 1;
    let held = true;
    waiter.grant({
      model: resident.model,
      loadMs: resident.model.info.loadMs,
      release: () => {
        if (!held) return;
        held = false;
        resident.active -= 1;
        if (resident !== this.#resident) return;
        this.#lastUsedMs = this.#with.clock.now();
        this.#pump();
        this.#publishQueue();
        if (this.idle) this.#with.onChange(this);
      },
    });
  }

  #armExpiry(): void {
    if (!Number.isFinite(this.#keepAliveMs)) return;
    const leftMs = this.#lastUsedMs + this.#keepAliveMs - this.#with.clock.now();
    this.#cancelExpiry = this.#with.clock.timer(Math.max(0, leftMs), () => {
      if (this.idle) void this.#stop('idle');
    });
  }

  async #start(): Promise<void> {
    const { limits, events, clock } = this.#with;
    this.#state = 'starting';
    this.#keepAliveMs = limits.keepAliveMs;
    const abort = new AbortController();
    this.#load = abort;
    const asked = this.#queue.largestContextLength;
    this.#askedContext = asked ?? 0;
    const spec: LoadSpec = {
      path: this.record.enginePath,
      maxSequences: limits.numParallel,
      ...((asked ?? limits.contextLength) === undefined ? {} : { contextLength: asked ?? limits.contextLength }),
      ...(limits.device === undefined ? {} : { device: limits.device }),
      ...(limits.threads === undefined ? {} : { threads: limits.threads }),
      ...(this.tokenizerOnly ? { tokenizerOnly: true } : {}),
    };
    this.#note('model.loading');
    try {
      const model = await loadModel(this, spec, abort.signal, this.#with);
      this.#load = undefined;
      const resident: Resident = { model, active: 0 };
      this.#resident = resident;
      this.#state = 'running';
      this.#lastUsedMs = clock.now();
      void model.gone.then((exit) => this.#onGone(resident, exit.reason === 'crashed' ? exit.message : undefined));
      this.#note('model.loaded');
    } catch (error) {
      this.#load = undefined;
      this.#becomeVacant();
      const failure = OmgError.from(error);
      if (!abort.signal.aborted) {
        // Who asked for no more than the default may still fit where the larger window did not.
        this.#queue.failWhere(failure, (waiter) => asked === undefined || (waiter.contextLength ?? 0) >= asked);
        this.#with.log.warn({ model: this.name, code: failure.code }, failure.message);
      }
      this.#note('model.unloaded', abort.signal.aborted ? 'cancelled' : failure.code);
    }
    this.#pump();
    events.publish({ type: 'queue', model: this.name, active: this.active, queued: this.queued });
  }

  async #stop(reason: string): Promise<void> {
    const resident = this.#resident;
    if (resident === undefined) return;
    this.#state = 'stopping';
    this.#cancelExpiry?.();
    this.#with.onChange(this);
    await resident.model.unload().catch((error: unknown) => {
      this.#with.log.warn({ model: this.name, error: String(error) }, 'the runner did not unload cleanly');
    });
    if (this.#resident !== resident) return;
    this.#becomeVacant();
    this.#note('model.unloaded', reason);
    this.#pump();
  }

  #onGone(resident: Resident, crash: string | undefined): void {
    if (this.#resident !== resident || this.#state === 'stopping') return;
    this.#becomeVacant();
    this.#note('model.unloaded', crash === undefined ? 'stopped' : 'crashed');
    if (crash !== undefined) this.#with.log.warn({ model: this.name }, crash);
    this.#queue.forEach((waiter) => {
      waiter.crashes += 1;
      if (waiter.crashes >= MOST_CRASHES_WHILE_WAITING) {
        waiter.fail(new OmgError('runner_crashed', crash ?? 'The process that ran the model ended.'));
      }
    });
    this.#pump();
  }

  #becomeVacant(): void {
    this.#cancelExpiry?.();
    this.#cancelExpiry = undefined;
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
    this.#publishQueue();
  }

  #note(type: 'model.loading' | 'model.loaded' | 'model.unloaded', reason?: string): void {
    if (this.tokenizerOnly) return;
    this.#with.events.publish({ type, model: this.name, ...(reason === undefined ? {} : { reason }) });
    this.#with.log.info({ model: this.name, ...(reason === undefined ? {} : { reason }) }, type);
  }

  #publishQueue(): void {
    if (this.tokenizerOnly) return;
    this.#with.events.publish({ type: 'queue', model: this.name, active: this.active, queued: this.queued });
  }
}

function shuttingDown(): OmgError {
  return new OmgError('shutting_down', 'The daemon is stopping.');
}
