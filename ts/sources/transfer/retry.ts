import { setTimeout as sleep } from 'node:timers/promises';

/** All injectable, so that tests take no time. */
export interface RetryPolicy {
  /** Tries in a row without a byte of progress before an error is given up on. */
  attempts: number;
  baseDelayMs: number;
  maxDelayMs: number;
  /** Longest `Retry-After` that is waited for; a hub that asks for more has failed. */
  maxRetryAfterMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 6,
  baseDelayMs: 500,
  maxDelayMs: 15_000,
  maxRetryAfterMs: 300_000,
};

/** A failure that may go away by itself: a dropped connection, a stall, 429, 5xx. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  /** What is reported when it does not go away. */
  readonly final: Error;
  readonly retryAfterMs: number | undefined;

  constructor(final: Error, retryAfterMs?: number) {
    super(final.message, { cause: final });
    this.final = final;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Runs `attempt` until it resolves. Transient errors are tried again after a growing, jittered delay, or after the time the hub
 * asks for; `madeProgress` gives the tries back.
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  attempt: (madeProgress: () => void) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  let failures = 0;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt(() => {
        failures = 0;
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof TransientError)) throw error;
      failures++;
      const asked = error.retryAfterMs;
      if (failures >= policy.attempts || (asked !== undefined && asked > policy.maxRetryAfterMs)) throw error.final;
      await sleep(asked ?? backoffMs(policy, failures), undefined, { signal });
    }
  }
}

/** Full jitter over the upper half, so that many clients do not come back at once. */
function backoffMs(policy: RetryPolicy, failures: number): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (failures - 1));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}

/** Seconds or an HTTP date, as milliseconds from now. */
export function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
