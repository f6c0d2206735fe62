import { OmgError } from '../errors/index.ts';
import type { ApiKey } from '../keys/index.ts';

interface Use {
  /** Requests that may still be made at once; grows back with time. */
  tokens: number;
  at: number;
  active: number;
}

/** Holds each key to its rate and to its requests at once. A rate is a bucket: after a pause all of a period's requests may come together. */
export class KeyLimits {
  readonly #uses = new Map<string, Use>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Counts a request; the returned function is called when it has ended. Throws `rate_limited` with how long to wait. */
  enter({ id, name, rate, concurrency }: ApiKey): () => void {
    const now = this.#now();
    const use = this.#uses.get(id) ?? { tokens: rate?.count ?? 0, at: now, active: 0 };
    this.#uses.set(id, use);
    if (concurrency !== undefined && use.active >= concurrency) {
      throw limited(`The key "${name}" may make ${concurrency} requests at once.`, 1);
    }
    if (rate !== undefined) {
      const perToken = rate.perMs / rate.count;
      use.tokens = Math.min(rate.count, use.tokens + (now - use.at) / perToken);
      use.at = now;
      if (use.tokens < 1) {
        const seconds = Math.ceil(((1 - use.tokens) * perToken) / 1000);
        throw limited(`The key "${name}" has made its ${rate.count} requests.`, Math.max(1, seconds));
      }
      use.tokens -= 1;
    }
    use.active += 1;
    let isOver = false;
    return () => {
      if (!isOver) use.active -= 1;
      isOver = true;
    };
  }
}

function limited(message: string, retryAfterSeconds: number): OmgError {
  return new OmgError('rate_limited', message, {
    hint: `Try again in ${retryAfterSeconds} s.`,
    detail: { retryAfterSeconds },
  });
}
