import type { EventStream } from './event-stream.ts';
import type { LifecycleLog } from './ports.ts';

/** Says what happens to one model, to the events stream and the log. */
export class SlotReporter {
  readonly #model: string;
  readonly #events: EventStream;
  readonly #log: LifecycleLog;
  readonly #silent: boolean;

  /** @param silent for tokenizers opened without weights, which are nobody's business. */
  constructor(model: string, events: EventStream, log: LifecycleLog, silent: boolean) {
    this.#model = model;
    this.#events = events;
    this.#log = log;
    this.#silent = silent;
  }

  step(type: 'model.loading' | 'model.loaded' | 'model.unloaded', reason?: string): void {
    if (this.#silent) return;
    const why = reason === undefined ? {} : { reason };
    this.#events.publish({ type, model: this.#model, ...why });
    this.#log.info({ model: this.#model, ...why }, type);
  }

  queue(active: number, queued: number): void {
    if (!this.#silent) this.#events.publish({ type: 'queue', model: this.#model, active, queued });
  }

  problem(message: string, fields: Record<string, unknown> = {}): void {
    this.#log.warn({ model: this.#model, ...fields }, message);
  }
}
