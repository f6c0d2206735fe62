import { OmgError } from '../errors/index.ts';
import type { Clock } from './clock.ts';

/** One request's signal: aborts with the caller's, and when the daemon ends before the request does. */
export class RequestScope {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;

  /** The model it is for, where it is for one. */
  readonly model: string | undefined;

  constructor(outer: AbortSignal | undefined, model?: string) {
    this.model = model;
    this.#outer = outer;
    outer?.addEventListener('abort', this.abort, { once: true });
    if (outer?.aborted) this.abort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly abort = (): void => this.#controller.abort();

  close(): void {
    this.#outer?.removeEventListener('abort', this.abort);
  }
}

/** The requests under way, so that closing can wait for them. */
export class RequestScopes {
  readonly #scopes = new Set<RequestScope>();
  #closed = false;
  #idle: () => void = () => {};

  get closed(): boolean {
    return this.#closed;
  }

  /** Throws `shutting_down` once closing has begun. */
  assertOpen(): void {
    if (this.#closed) throw new OmgError('shutting_down', 'The daemon is stopping.');
  }

  /** Runs work as a request of its own. Throws `shutting_down`. */
  async run<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const scope = this.enter(signal);
    try {
      return await work(scope.signal);
    } finally {
      this.leave(scope);
    }
  }

  /** The requests for a model that are under way. */
  ofModel(model: string): RequestScope[] {
    return [...this.#scopes].filter((scope) => scope.model === model);
  }

  enter(signal: AbortSignal | undefined, model?: string): RequestScope {
    this.assertOpen();
    const scope = new RequestScope(signal, model);
    this.#scopes.add(scope);
    return scope;
  }

  leave(scope: RequestScope): void {
    scope.close();
    this.#scopes.delete(scope);
    if (this.#scopes.size === 0) this.#idle();
  }

  close(): void {
    this.#closed = true;
  }

  /** Resolves when the last request has ended; those that have not after `drainMs` are aborted. */
  async drain(clock: Clock, drainMs: number): Promise<void> {
    if (this.#scopes.size === 0) return;
    const drained = new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    const cancel = clock.timer(drainMs, () => {
      for (const scope of this.#scopes) scope.abort();
    });
    await drained;
    cancel();
  }
}
