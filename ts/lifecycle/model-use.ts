import { OmgError } from '../errors/index.ts';
import type { ChatEvent, LoadedModel, WorkEvent } from '../inference/index.ts';
import type { Clock } from './clock.ts';
import type { ModelSlot } from './model-slot.ts';
import { ReaderWatch } from './reader-watch.ts';
import type { RequestMeter, RequestObserver } from './request-meter.ts';
import type { RequestScope, RequestScopes } from './request-scope.ts';
import type { Lease } from './resident.ts';
import type { UseOptions } from './types.ts';

export interface ModelUseParts {
  requests: RequestScopes;
  scope: RequestScope;
  meter: RequestMeter;
  observer: RequestObserver;
  clock: Clock;
  /** How long the reader of an answer may stand still. */
  unreadMs: number;
}

/** One request's use of a model, from its arrival to its end: it waits, is measured, and gives back what it took. */
export class ModelUse {
  readonly meter: RequestMeter;
  readonly #parts: ModelUseParts;
  #slot: ModelSlot | undefined;
  #lease: Lease | undefined;
  #hasEnded = false;

  constructor(parts: ModelUseParts) {
    this.meter = parts.meter;
    this.#parts = parts;
  }

  get signal(): AbortSignal {
    return this.#parts.scope.signal;
  }

  /** The model, once it is this request's turn. */
  async model(slot: ModelSlot, { onReady, ...options }: UseOptions): Promise<LoadedModel> {
    this.#lease = await slot.acquire({ ...options, signal: this.signal });
    this.#slot = slot;
    onReady?.(this.meter.elapsedMs);
    return this.#lease.model;
  }

  /** Hands the events on. Where the reader does not come for them the use ends without it, and it finds `answer_not_read`. */
  async *read<T extends WorkEvent | ChatEvent>(work: AsyncIterable<T>): AsyncGenerator<T> {
    const events = work[Symbol.asyncIterator]();
    let unread: OmgError | undefined;
    const watch = new ReaderWatch({
      clock: this.#parts.clock,
      unreadMs: this.#parts.unreadMs,
      isWanted: () => this.#slot?.isWanted === true,
      isOver: () => this.signal.aborted,
      onStalled: () => {
        unread = this.signal.aborted ? new OmgError('cancelled', 'The request was cancelled.') : notRead();
        this.meter.fail(unread);
        this.#parts.scope.abort();
        // The work stands at an event, too, so it can be ended from here.
        events.return?.().catch(() => {});
        this.end();
      },
    });
    try {
      for (let next = await events.next(); next.done !== true; next = await events.next()) {
        this.meter.see(next.value);
        watch.handedOver();
        yield next.value;
        watch.askedAgain();
        if (unread !== undefined) throw unread;
      }
    } finally {
      watch.close();
      await events.return?.();
    }
  }

  /** Idempotent. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { requests, scope, meter, observer } = this.#parts;
    this.#lease?.release();
    requests.leave(scope);
    observer(meter.record());
  }
}

function notRead(): OmgError {
  return new OmgError('answer_not_read', 'The answer was ended because it was not read for too long.', {
    hint: 'Read answers as they come; `server.unread_timeout` says how long one may wait for its reader.',
  });
}
