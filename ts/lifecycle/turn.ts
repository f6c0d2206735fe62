import type { LoadedModel } from '../inference/index.ts';
import type { ModelSlot } from './model-slot.ts';
import type { RequestMeter, RequestObserver } from './request-meter.ts';
import type { WaitOptions } from './request-queue.ts';
import type { RequestScope, RequestScopes } from './request-scope.ts';
import type { Lease } from './resident.ts';

export interface TurnParts {
  requests: RequestScopes;
  scope: RequestScope;
  meter: RequestMeter;
  observer: RequestObserver;
}

/** One request's turn with a model, from its arrival to its end: it waits, is measured, and gives back what it took. */
export class Turn {
  readonly meter: RequestMeter;
  readonly #parts: TurnParts;
  #lease: Lease | undefined;
  #readyMs = 0;

  constructor(parts: TurnParts) {
    this.meter = parts.meter;
    this.#parts = parts;
  }

  get signal(): AbortSignal {
    return this.#parts.scope.signal;
  }

  /** How long it waited for its model, load included. */
  get readyMs(): number {
    return this.#readyMs;
  }

  /** The model, once it is this request's turn. */
  async model(slot: ModelSlot, options: Omit<WaitOptions, 'signal'>): Promise<LoadedModel> {
    this.#lease = await slot.acquire({ ...options, signal: this.signal });
    this.#readyMs = this.meter.elapsedMs;
    return this.#lease.model;
  }

  end(): void {
    const { requests, scope, meter, observer } = this.#parts;
    this.#lease?.release();
    requests.leave(scope);
    observer(meter.record());
  }
}
