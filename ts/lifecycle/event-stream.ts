import type { LifecycleEvent } from './types.ts';

/** A reader that falls this far behind loses its oldest events rather than the daemon's memory. */
const MOST_BUFFERED = 1000;

type Timeless<E> = E extends LifecycleEvent ? Omit<E, 'time'> : never;

interface Reader {
  buffer: LifecycleEvent[];
  wake: () => void;
}

/** Hands every event to every reader. */
export class EventStream {
  readonly #readers = new Set<Reader>();
  readonly #now: () => number;
  #closed = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  publish(event: Timeless<LifecycleEvent>): void {
    if (this.#readers.size === 0) return;
    const timed = { ...event, time: new Date(this.#now()).toISOString() } as LifecycleEvent;
    for (const reader of this.#readers) {
      reader.buffer.push(timed);
      if (reader.buffer.length > MOST_BUFFERED) reader.buffer.shift();
      reader.wake();
    }
  }

  /** Events from now on, until the signal aborts or the stream closes. Listening begins at the call, not at the first `next()`. */
  subscribe(signal?: AbortSignal): AsyncIterableIterator<LifecycleEvent> {
    const reader: Reader = { buffer: [], wake: () => {} };
    if (!this.#closed && !signal?.aborted) this.#readers.add(reader);
    const leave = (): void => {
      this.#readers.delete(reader);
      signal?.removeEventListener('abort', leave);
      reader.wake();
    };
    signal?.addEventListener('abort', leave, { once: true });
    const next = async (): Promise<IteratorResult<LifecycleEvent>> => {
      for (;;) {
        const event = reader.buffer.shift();
        if (event !== undefined) return { value: event, done: false };
        if (!this.#readers.has(reader)) return { value: undefined, done: true };
        await new Promise<void>((resolve) => {
          reader.wake = resolve;
        });
      }
    };
    const finish = async (): Promise<IteratorResult<LifecycleEvent>> => {
      reader.buffer = [];
      leave();
      return { value: undefined, done: true };
    };
    return {
      next,
      return: finish,
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  close(): void {
    this.#closed = true;
    for (const reader of [...this.#readers]) {
      this.#readers.delete(reader);
      reader.wake();
    }
  }
}
