import type { EngineKind } from '../inference/index.ts';
import { contentDigest, type InstallRecord } from '../library/index.ts';
import type { OpenedModel } from './model-directory.ts';
import { ModelSlot, type SlotDeps } from './model-slot.ts';

/** The slots of a daemon: one for each content and engine that is in memory or on its way there, and one for a tokenizer without weights. */
export class ModelSlots {
  readonly #slots = new Map<string, ModelSlot>();
  readonly #deps: SlotDeps;

  constructor(deps: Omit<SlotDeps, 'waiting'>) {
    this.#deps = { ...deps, waiting: () => this.all().reduce((sum, { queued }) => sum + queued, 0) };
  }

  all(): ModelSlot[] {
    return [...this.#slots.values()];
  }

  /** Those of a model, one for each engine that serves it. */
  servingAll(record: InstallRecord): ModelSlot[] {
    const digest = contentDigest(record);
    return this.all().filter((slot) => !slot.tokenizerOnly && contentDigest(slot.record) === digest);
  }

  /** The tokenizer of a model without its weights, if it is open. */
  tokenizer(record: InstallRecord): ModelSlot | undefined {
    return this.#slots.get(keyOf(record, 'native', true));
  }

  /** That of a model, made where there is none, and shown under the name that was asked for. */
  of(opened: OpenedModel, engine: EngineKind, tokenizerOnly = false): ModelSlot {
    const { name, record, details } = opened;
    const key = keyOf(record, engine, tokenizerOnly);
    const known = this.#slots.get(key);
    if (known !== undefined) {
      known.showAs(opened);
      return known;
    }
    const slot = new ModelSlot(name, record, details, this.#deps, engine, tokenizerOnly);
    this.#slots.set(key, slot);
    return slot;
  }

  forget(slot: ModelSlot): void {
    const key = keyOf(slot.record, slot.engine, slot.tokenizerOnly);
    if (this.#slots.get(key) === slot) this.#slots.delete(key);
  }
}

function keyOf(record: InstallRecord, engine: EngineKind, tokenizerOnly: boolean): string {
  const digest = contentDigest(record);
  return tokenizerOnly ? `${digest} tokenizer` : `${digest} ${engine}`;
}
