/** Ranges and portions small enough that a file of a megabyte is fetched as a large one is. */
export const SMALL_TRANSFERS = {
  rangeThresholdBytes: 256 << 10,
  rangeBytes: 64 << 10,
  flushBytes: 16 << 10,
  headBytes: 16 << 10,
};
export const QUICK_RETRIES = { attempts: 3, baseDelayMs: 1, maxDelayMs: 2, maxRetryAfterMs: 5_000 };
