import { OmgError } from '../errors/index.ts';
import type { Engine, LoadSpec, MemoryPlan } from '../inference/index.ts';
import type { ModelSlot } from './model-slot.ts';
import type { LifecycleLog } from './ports.ts';

/** A window smaller than this is worth evicting an idle model for, when the model could have more. */
const COMFORTABLE_CONTEXT = 8192;

/** Weights, cache and scratch of a model, roughly, as a multiple of its files. */
const SIZE_IN_MEMORY = 1.2;

export interface Admitted {
  /** To be called when the load has ended, one way or the other. */
  loaded(): void;
}

/** Decides when a model may load, and which idle one has to leave for it. One decision at a time. */
export class Admission {
  readonly #engine: Engine;
  readonly #slots: () => Iterable<ModelSlot>;
  readonly #maxLoadedModels: number;
  readonly #log: LifecycleLog;
  /** What loads under way have been promised and may not have taken yet. */
  readonly #reserved = new Map<ModelSlot, number>();
  #turn: Promise<void> = Promise.resolve();
  #changed: (() => void)[] = [];

  constructor(engine: Engine, slots: () => Iterable<ModelSlot>, maxLoadedModels: number, log: LifecycleLog) {
    this.#engine = engine;
    this.#slots = slots;
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
  async admit(slot: ModelSlot, spec: LoadSpec, signal: AbortSignal): Promise<Admitted> {
    const before = this.#turn;
    let done: () => void = () => {};
    this.#turn = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await Promise.race([before, aborted(signal)]);
      if (signal.aborted) throw cancelled();
      this.#reserved.set(slot, await this.#makeRoom(slot, spec, signal));
    } finally {
      // Who was cancelled in the line leaves it in order: the next one still waits for those before.
      void before.then(done);
    }
    return {
      loaded: () => {
        this.#reserved.delete(slot);
        this.notify();
      },
    };
  }

  /** @returns the bytes that the model may take. */
  async #makeRoom(slot: ModelSlot, spec: LoadSpec, signal: AbortSignal): Promise<number> {
    for (;;) {
      if (signal.aborted) throw cancelled();
      const others = [...this.#slots()].filter((other) => other !== slot && this.#takesRoom(other));
      // Alone there is nobody to evict: the load itself finds out whether there is room, and a cold start is one process shorter.
      if (others.length === 0) return slot.record.sizeBytes * SIZE_IN_MEMORY;
      if (this.#maxLoadedModels > 0 && others.length >= this.#maxLoadedModels) {
        await this.#free(others, slot, signal);
        continue;
      }
      const plan = await this.#engine.plan(spec);
      if (this.#fits(plan)) {
        const idle =
          spec.contextLength === undefined && cramped(slot, plan)
            ? leastRecentlyUsed(others.filter((other) => other.idle))
            : undefined;
        if (idle === undefined) return plan.totalBytes;
        await this.#evict(idle, slot);
        continue;
      }
      const inUse = others.reduce((sum, other) => sum + other.memoryBytes, 0);
      if (plan.totalBytes > plan.availableBytes + inUse) throw outOfMemory(slot, plan);
      await this.#free(others, slot, signal);
    }
  }

  /** In memory, or admitted to it. Who waits for admission takes none, or two could wait for each other. */
  #takesRoom(slot: ModelSlot): boolean {
    return !slot.tokenizerOnly && (slot.resident || this.#reserved.has(slot));
  }

  #fits(plan: MemoryPlan): boolean {
    const reserved = [...this.#reserved.values()].reduce((sum, bytes) => sum + bytes, 0);
    return plan.fits && (reserved === 0 || plan.totalBytes <= plan.availableBytes - reserved);
  }

  /** Evicts an idle model; where all are busy, asks the least recently used to leave after the requests it has, and waits. */
  async #free(others: ModelSlot[], slot: ModelSlot, signal: AbortSignal): Promise<void> {
    const idle = leastRecentlyUsed(others.filter((other) => other.idle));
    if (idle !== undefined) return this.#evict(idle, slot);
    const change = new Promise<void>((resolve) => this.#changed.push(resolve));
    if (!others.some((other) => other.leaving)) {
      void leastRecentlyUsed(others.filter((other) => other.busy))?.unload('evicted');
    }
    await Promise.race([change, aborted(signal)]);
  }

  async #evict(victim: ModelSlot, slot: ModelSlot): Promise<void> {
    this.#log.info({ model: victim.name, for: slot.name }, 'evicting the least recently used model');
    await victim.unload('evicted');
  }
}

function leastRecentlyUsed(slots: ModelSlot[]): ModelSlot | undefined {
  return slots.sort((a, b) => a.lastUsedMs - b.lastUsedMs)[0];
}

/** Memory, and nothing else, keeps the window below what is comfortable. */
function cramped(slot: ModelSlot, plan: MemoryPlan): boolean {
  const missing = Math.min(slot.details.trainedContextLength, COMFORTABLE_CONTEXT) - plan.contextLength;
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

function outOfMemory(slot: ModelSlot, plan: MemoryPlan): OmgError {
  const needs = gibibytes(plan.totalBytes);
  const has = gibibytes(plan.availableBytes);
  return new OmgError('out_of_memory', `${slot.name} needs ${needs} of memory, ${has} are free.`, {
    hint: 'Choose a smaller quantisation or context length, or close other programs.',
    detail: { totalBytes: plan.totalBytes, availableBytes: plan.availableBytes, contextLength: plan.contextLength },
  });
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 2 : 1)} GiB`;
}
