import { OmgError } from '../errors/index.ts';

export interface GateOptions {
  /** What is let in, in the plural; for the message of the refusal. */
  what: string;
  /** So many at once. */
  places: number;
  /** So many may wait. Default none. */
  waiting?: number;
  /** How long one waits before it is refused. Default 30,000. */
  patienceMs?: number;
}

/** Lets work in, first come first served, and refuses with `server_busy` what would wait too long or in too long a line. */
export class Gate {
  readonly #options: GateOptions;
  readonly #line = new Set<() => void>();
  #busy = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Throws `server_busy`, and `cancelled` while it waits. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const leave = await this.enter(signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** As `run`, for work that ends elsewhere. The returned function is to be called once. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) throw cancelled();
    if (this.#busy < this.#options.places) this.#busy += 1;
    else await this.#wait(signal);
    return () => {
      const [next] = this.#line;
      if (next === undefined) this.#busy -= 1;
      else next();
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    const { waiting = 0, patienceMs = 30_000 } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.#line.size >= waiting) return reject(this.#refusal());
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#line.delete(admit);
        end();
      };
      const admit = (): void => settle(resolve);
      const onAbort = (): void => settle(() => reject(cancelled()));
      const timer = setTimeout(() => settle(() => reject(this.#refusal())), patienceMs);
      timer.unref();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#line.add(admit);
    });
  }

  #refusal(): OmgError {
    const { what, places } = this.#options;
    return new OmgError('server_busy', `There are ${places} ${what} under way, and no more are begun.`, {
      hint: 'Try again when one of them has ended.',
    });
  }
}

function cancelled(): OmgError {
  return new OmgError('cancelled', 'The request was cancelled while it waited.');
}
