import { OmgError } from '../errors/index.ts';

/** One request that waits for its turn on a model. */
export interface Waiter<T> {
  /** Order of arrival. */
  readonly sequence: number;
  readonly contextLength: number | undefined;
  readonly keepAliveMs: number | undefined;
  /** How often the runner died while this one waited. */
  crashes: number;
  grant(lease: T): void;
  fail(error: OmgError): void;
}

export interface WaitOptions {
  signal?: AbortSignal;
  contextLength?: number;
  keepAliveMs?: number;
}

/** First come, first served; who is cancelled leaves at once. */
export class RequestQueue<T> {
  readonly #waiters: Waiter<T>[] = [];
  #sequence = 0;

  get length(): number {
    return this.#waiters.length;
  }

  get head(): Waiter<T> | undefined {
    return this.#waiters[0];
  }

  get lastSequence(): number {
    return this.#sequence;
  }

  /** The largest window that a waiting request asks for. */
  get largestContextLength(): number | undefined {
    const asked = this.#waiters.flatMap((waiter) => waiter.contextLength ?? []);
    return asked.length === 0 ? undefined : Math.max(...asked);
  }

  /** Resolves when granted; rejects with `cancelled` on abort. `onLeave` runs after a cancelled request has left. */
  wait(options: WaitOptions, onLeave: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      const forget = (): void => {
        signal?.removeEventListener('abort', cancel);
        const at = this.#waiters.indexOf(waiter);
        if (at >= 0) this.#waiters.splice(at, 1);
      };
      const waiter: Waiter<T> = {
        sequence: ++this.#sequence,
        contextLength: options.contextLength,
        keepAliveMs: options.keepAliveMs,
        crashes: 0,
        grant: (lease) => {
          forget();
          resolve(lease);
        },
        fail: (error) => {
          forget();
          reject(error);
        },
      };
      const cancel = (): void => {
        waiter.fail(new OmgError('cancelled', 'The request was cancelled while it waited.'));
        onLeave();
      };
      if (signal?.aborted) {
        reject(new OmgError('cancelled', 'The request was cancelled.'));
        return;
      }
      this.#waiters.push(waiter);
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /** Rejects the waiting requests that the predicate picks; default all. */
  failWhere(error: OmgError, picks: (waiter: Waiter<T>) => boolean = () => true): void {
    for (const waiter of this.#waiters.filter(picks)) waiter.fail(error);
  }

  forEach(visit: (waiter: Waiter<T>) => void): void {
    for (const waiter of [...this.#waiters]) visit(waiter);
  }
}
