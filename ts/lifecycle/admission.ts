import { OmgError } from '../errors/index.ts';
import type { LoadSpec, MemoryPlan, ModelInspector } from '../inference/index.ts';
import type { LifecycleLog } from './ports.ts';
import { withoutFolder } from './without-folder.ts';

/** A window smaller than this is worth evicting an idle model for, when the model could have more. */
const COMFORTABLE_CONTEXT = 8192;

/** Weights, cache and scratch of a model, roughly, as a multiple of its files. */
const SIZE_IN_MEMORY = 1.2;

/** A model as the decision sees it: what it takes, whether it is in use, and how it leaves. */
export interface Occupant {
  readonly name: string;
  /** Bytes of its files. */
  readonly fileBytes: number;
  readonly trainedContextLength: number;
  /** Holds no weights. */
  readonly tokenizerOnly: boolean;
  /** In memory. */
  readonly resident: boolean;
  readonly idle: boolean;
  readonly busy: boolean;
  /** Already on its way out. */
  readonly leaving: boolean;
  /** What it takes in memory, as planned; 0 while it is not there. */
  readonly memoryBytes: number;
  readonly lastUsedMs: number;
  unload(reason: string): Promise<boolean>;
}

export interface Admitted {
  /** To be called when the load has ended, one way or the other. */
  loaded(): void;
}

/** Decides when a model may load, and which idle one has to leave for it. One decision at a time. */
export class Admission {
  readonly #engine: ModelInspector;
  readonly #occupants: () => Iterable<Occupant>;
  readonly #maxLoadedModels: number;
  readonly #log: LifecycleLog;
  /** What loads under way have been promised and may not have taken yet. */
  readonly #reserved = new Map<Occupant, number>();
  #turn: Promise<void> = Promise.resolve();
  #changed: (() => void)[] = [];

  constructor(engine: ModelInspector, occupants: () => Iterable<Occupant>, maxLoadedModels: number, log: LifecycleLog) {
    this.#engine = engine;
    this.#occupants = occupants;
    this.#maxLoadedModels = maxLoadedModels;
    this.#log = log;
  }

  /** Something became idle or left memory: look again. */
  notify(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const wake of waiting) wake();
  }

  /** Resolves when there is room. Throws `out_of_memory` when evicting every other model would not help, `cancelled` on abort. */
  async admit(occupant: Occupant, spec: LoadSpec, signal: AbortSignal): Promise<Admitted> {
    const before = this.#turn;
    let done: () => void = () => {};
    this.#turn = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await Promise.race([before, aborted(signal)]);
      if (signal.aborted) throw cancelled();
      this.#reserved.set(occupant, await this.#makeRoom(occupant, spec, signal));
    } finally {
      // Who was cancelled in the line leaves it in order: the next one still waits for those before.
      void before.then(done);
    }
    return {
      loaded: () => {
        this.#reserved.delete(occupant);
        this.notify();
      },
    };
  }

  /** @returns the bytes that the model may take. */
  async #makeRoom(occupant: Occupant, spec: LoadSpec, signal: AbortSignal): Promise<number> {
    for (;;) {
      if (signal.aborted) throw cancelled();
      const others = [...this.#occupants()].filter((other) => other !== occupant && this.#takesRoom(other));
      // Alone there is nobody to evict: the load itself finds out whether there is room, and a cold start is one process shorter.
      if (others.length === 0) return occupant.fileBytes * SIZE_IN_MEMORY;
      if (this.#maxLoadedModels > 0 && others.length >= this.#maxLoadedModels) {
        await this.#free(others, occupant, signal);
        continue;
      }
      const plan = await withoutFolder(spec.path, this.#engine.plan(spec));
      if (this.#fits(plan)) {
        const idle =
          spec.contextLength === undefined && cramped(occupant, plan)
            ? leastRecentlyUsed(others.filter((other) => other.idle))
            : undefined;
        if (idle === undefined) return plan.totalBytes;
        await this.#evict(idle, occupant);
        continue;
      }
      const inUse = others.reduce((sum, other) => sum + other.memoryBytes, 0);
      if (plan.totalBytes > plan.availableBytes + inUse) throw outOfMemory(occupant, plan);
      await this.#free(others, occupant, signal);
    }
  }

  /** In memory, or admitted to it. Who waits for admission takes none, or two could wait for each other. */
  #takesRoom(occupant: Occupant): boolean {
    return !occupant.tokenizerOnly && (occupant.resident || this.#reserved.has(occupant));
  }

  #fits(plan: MemoryPlan): boolean {
    const reserved = [...this.#reserved.values()].reduce((sum, bytes) => sum + bytes, 0);
    return plan.fits && (reserved === 0 || plan.totalBytes <= plan.availableBytes - reserved);
  }

  /** Evicts an idle model; where all are busy, asks the least recently used to leave after the requests it has, and waits. */
  async #free(others: Occupant[], occupant: Occupant, signal: AbortSignal): Promise<void> {
    const idle = leastRecentlyUsed(others.filter((other) => other.idle));
    if (idle !== undefined) return this.#evict(idle, occupant);
    const change = new Promise<void>((resolve) => this.#changed.push(resolve));
    if (!others.some((other) => other.leaving)) {
      void leastRecentlyUsed(others.filter((other) => other.busy))?.unload('evicted');
    }
    await Promise.race([change, aborted(signal)]);
  }

  async #evict(victim: Occupant, occupant: Occupant): Promise<void> {
    this.#log.info({ model: victim.name, for: occupant.name }, 'evicting the least recently used model');
    await victim.unload('evicted');
  }
}

function leastRecentlyUsed(occupants: Occupant[]): Occupant | undefined {
  return occupants.sort((a, b) => a.lastUsedMs - b.lastUsedMs)[0];
}

/** Memory, and nothing else, keeps the window below what is comfortable. */
function cramped(occupant: Occupant, plan: MemoryPlan): boolean {
  const missing = Math.min(occupant.trainedContextLength, COMFORTABLE_CONTEXT) - plan.contextLength;
  return missing > 0 && plan.totalBytes + missing * plan.kvBytesPerToken > plan.availableBytes;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function cancelled(): OmgError {
  return new OmgError('cancelled', 'The load was cancelled.');
}

function outOfMemory(occupant: Occupant, plan: MemoryPlan): OmgError {
  const needs = gibibytes(plan.totalBytes);
  const has = gibibytes(plan.availableBytes);
  return new OmgError('out_of_memory', `${occupant.name} needs ${needs} of memory, ${has} are free.`, {
    hint: 'Choose a smaller quantization or context length, or close other programs.',
    detail: { totalBytes: plan.totalBytes, availableBytes: plan.availableBytes, contextLength: plan.contextLength },
  });
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 2 : 1)} GiB`;
}
