/** One request's signal: aborts with the caller's, and when the daemon ends before the request does. */
export class RequestScope {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;

  constructor(outer: AbortSignal | undefined) {
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
