import type { Clock } from './clock.ts';

/** A reader that others wait for may stand still for so long, or be behind by so much. */
export const WANTED_UNREAD_MS = 10_000;

const LOOK_EVERY_MS = 1000;

export interface ReaderWatchOptions {
  clock: Clock;
  /** How long a reader may stand still. */
  unreadMs: number;
  /** Whether somebody else wants the place that the answer takes. */
  isWanted: () => boolean;
  /** Whether the request was cancelled, and nothing more is waited for. */
  isOver: () => boolean;
  /** Called once, while the reader stands still. */
  onStalled: () => void;
}

/**
 * Tells when an answer takes a place that its reader does not use: when it stands still for `unreadMs`, or, while others want the place,
 * for `WANTED_UNREAD_MS`. Reading a little now and then is no way around it: while the place is wanted, time that the model waits for the reader is a
 * debt, and only time that the reader waits for the model pays it back.
 */
export class ReaderWatch {
  readonly #options: ReaderWatchOptions;
  readonly #unreadMs: number;
  readonly #wantedMs: number;
  #stillSince: number | undefined;
  #lookedAt: number;
  /** Milliseconds that the reader stood still since the last look. */
  #stoodStill = 0;
  #debt = 0;
  #cancelLook: () => void = () => {};

  constructor(options: ReaderWatchOptions) {
    this.#options = options;
    this.#unreadMs = Math.max(LOOK_EVERY_MS, options.unreadMs);
    this.#wantedMs = Math.min(WANTED_UNREAD_MS, this.#unreadMs);
    this.#lookedAt = options.clock.now();
    this.#lookLater();
  }

  /** The reader has an event and has not asked for the next. */
  handedOver(): void {
    this.#stillSince = this.#options.clock.now();
  }

  askedAgain(): void {
    if (this.#stillSince !== undefined) this.#stoodStill += this.#options.clock.now() - this.#since(this.#stillSince);
    this.#stillSince = undefined;
  }

  close(): void {
    this.#cancelLook();
  }

  #lookLater(): void {
    this.#cancelLook = this.#options.clock.timer(LOOK_EVERY_MS, () => this.#look());
  }

  #look(): void {
    const { clock, isWanted, isOver, onStalled } = this.#options;
    const now = clock.now();
    const still = this.#stillSince;
    const stood = this.#stoodStill + (still === undefined ? 0 : now - this.#since(still));
    const passed = now - this.#lookedAt;
    const wanted = isWanted();
    this.#debt = wanted ? Math.max(0, this.#debt + stood - (passed - stood)) : 0;
    this.#stoodStill = 0;
    this.#lookedAt = now;
    const stillMs = still === undefined ? 0 : now - still;
    const patienceMs = isOver() ? 0 : wanted ? this.#wantedMs : this.#unreadMs;
    if (still !== undefined && (stillMs >= patienceMs || this.#debt >= this.#wantedMs)) onStalled();
    else this.#lookLater();
  }

  /** What lies before the last look has been counted. */
  #since(still: number): number {
    return Math.max(still, this.#lookedAt);
  }
}
