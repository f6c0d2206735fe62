import type { AnswerEnd } from './state.ts';

/** Measures the speed of an answer from the outside: from its first piece to its last. */
export class TokenClock {
  readonly #now: () => number;
  #first: number | undefined;
  #last: number | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  piece(): void {
    this.#last = this.#now();
    this.#first ??= this.#last;
  }

  /** The first token is not counted: its time went into the prompt. */
  end(reason: string, tokens: number): AnswerEnd {
    const ms = (this.#last ?? 0) - (this.#first ?? 0);
    return {
      reason: reason === 'length' ? 'length' : reason === 'cancelled' ? 'cancelled' : 'stop',
      tokens,
      tokensPerSecond: ms > 0 && tokens > 1 ? ((tokens - 1) / ms) * 1000 : undefined,
    };
  }
}
