import { contentDigest, type InstallRecord } from '../library/index.ts';
import type { OpenedModel } from './model-directory.ts';
import { ModelSlot, type SlotDeps } from './model-slot.ts';

/** The slots of a daemon: one for each content that is in memory or on its way there, and one for a tokenizer without weights. */
export class ModelSlots {
  readonly #slots = new Map<string, ModelSlot>();
  readonly #deps: SlotDeps;

  constructor(deps: Omit<SlotDeps, 'waiting'>) {
    this.#deps = { ...deps, waiting: () => this.all().reduce((sum, { queued }) => sum + queued, 0) };
  }

  all(): ModelSlot[] {
    return [...this.#slots.values()];
  }

  /** That of a model, if it is known. */
  find(record: InstallRecord, tokenizerOnly = false): ModelSlot | undefined {
    return this.#slots.get(keyOf(record, tokenizerOnly));
  }

  /** That of a model, made where there is none, and shown under the name that was asked for. */
  of(opened: OpenedModel, tokenizerOnly = false): ModelSlot {
    const { name, record, details } = opened;
    const known = this.find(record, tokenizerOnly);
    if (known !== undefined) {
      known.showAs(opened);
      return known;
    }
    const slot = new ModelSlot(name, record, details, this.#deps, tokenizerOnly);
    this.#slots.set(keyOf(record, tokenizerOnly), slot);
    return slot;
  }

  forget(slot: ModelSlot): void {
    const key = keyOf(slot.record, slot.tokenizerOnly);
    if (this.#slots.get(key) === slot) this.#slots.delete(key);
  }
}

function keyOf(record: InstallRecord, tokenizerOnly: boolean): string {
  const digest = contentDigest(record);
  return tokenizerOnly ? `${digest} tokenizer` : digest;
}
