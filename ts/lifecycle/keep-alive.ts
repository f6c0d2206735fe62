import type { Clock } from './clock.ts';

/** How long an idle model stays. The clock starts at the last use; who is busy does not arm it. */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #defaultMs: number;
  #ms: number;
  #lastUsedMs: number;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, defaultMs: number) {
    this.#clock = clock;
    this.#defaultMs = defaultMs;
    this.#ms = defaultMs;
    this.#lastUsedMs = clock.now();
  }

  get lastUsedMs(): number {
    return this.#lastUsedMs;
  }

  get expiresAt(): number {
    return this.#lastUsedMs + this.#ms;
  }

  /** Leaves as soon as nobody uses it. */
  get atOnce(): boolean {
    return this.#ms <= 0;
  }

  /** Replaces the value; undefined changes nothing. */
  set(ms: number | undefined): void {
    if (ms !== undefined) this.#ms = ms;
  }

  /** For a fresh load: what requests said of the one before is forgotten. */
  reset(): void {
    this.disarm();
    this.#ms = this.#defaultMs;
    this.used();
  }

  used(): void {
    this.#lastUsedMs = this.#clock.now();
  }

  arm(expire: () => void): void {
    this.disarm();
    if (Number.isFinite(this.#ms)) {
      this.#cancel = this.#clock.timer(Math.max(0, this.expiresAt - this.#clock.now()), expire);
    }
  }

  disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
