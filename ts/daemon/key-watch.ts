/** What goes on under somebody's rights, such as a stream. */
interface Held {
  mayGoOn: () => boolean;
  end: () => void;
}

const LOOK_EVERY_MS = 500;

/**
 * Ends what goes on once its sender may no longer do it: the key was revoked, has expired or lost its scope, or a first key was made where none
 * was needed before. It looks while there is something to end, and so does not depend on how the keys were changed.
 */
export class KeyWatch {
  readonly #held = new Set<Held>();
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(everyMs = LOOK_EVERY_MS) {
    this.#everyMs = everyMs;
  }

  /** Calls `end` once `mayGoOn` says no. The returned function is called when it has ended by itself. */
  hold(mayGoOn: () => boolean, end: () => void): () => void {
    const held = { mayGoOn, end };
    this.#held.add(held);
    this.#timer ??= setInterval(() => this.#look(), this.#everyMs).unref();
    return () => this.#release(held);
  }

  #look(): void {
    for (const held of [...this.#held]) {
      if (held.mayGoOn()) continue;
      this.#release(held);
      held.end();
    }
  }

  #release(held: Held): void {
    this.#held.delete(held);
    if (this.#held.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
