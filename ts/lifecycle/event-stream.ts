import { OmgError } from '../errors/index.ts';
import type { LifecycleEvent } from './types.ts';

/** Streams of events at once. */
const MOST_READERS = 256;

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
      if (timed.type === 'download.progress') forgetProgress(reader.buffer, timed.model);
      reader.buffer.push(timed);
      if (reader.buffer.length > MOST_BUFFERED) reader.buffer.shift();
      reader.wake();
    }
  }

  /**
   * Events from now on, until the signal aborts or the stream closes. Listening begins at the call, not at the first `next()`. Throws
   * `server_busy` where too many listen.
   */
  subscribe(signal?: AbortSignal): AsyncIterableIterator<LifecycleEvent> {
    if (this.#readers.size >= MOST_READERS) {
      throw new OmgError('server_busy', `${this.#readers.size} listen to the events already.`, {
        hint: 'Close some of these connections.',
      });
    }
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

/** Who has not read how far a download was need not be told any more: of many files that is a large event, told often. */
function forgetProgress(buffer: LifecycleEvent[], model: string): void {
  const at = buffer.findLastIndex((event) => event.type === 'download.progress' && event.model === model);
  if (at >= 0) buffer.splice(at, 1);
}
