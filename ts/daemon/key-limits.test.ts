import { expect, test } from 'vitest';
import type { ApiKey } from '../keys/index.ts';
import { KeyLimits } from './key-limits.ts';

const key = (limits: Partial<ApiKey>): ApiKey => ({
  id: 'aaaaaaaa',
  name: 'test',
  hash: '',
  scopes: ['inference'],
  created: '',
  ...limits,
});

test('a rate lets a period’s requests through at once, then as many as time brings', () => {
  let now = 0;
  const limits = new KeyLimits(() => now);
  const limited = key({ rate: { count: 3, perMs: 60_000 } });
  for (let at = 0; at < 3; at++) limits.enter(limited)();
  expect(() => limits.enter(limited)).toThrow(
    expect.objectContaining({ code: 'rate_limited', detail: { retryAfterSeconds: 20 } }),
  );
  now = 19_999;
  expect(() => limits.enter(limited)).toThrow(expect.objectContaining({ detail: { retryAfterSeconds: 1 } }));
  now = 20_001;
  limits.enter(limited)();
  expect(() => limits.enter(limited)).toThrow();
  now = 1_000_000;
  for (let at = 0; at < 3; at++) limits.enter(limited)();
  expect(() => limits.enter(limited)).toThrow();
});

test('so many requests at once, each counted until it ends, and ended once', () => {
  const limits = new KeyLimits();
  const limited = key({ concurrency: 2 });
  const first = limits.enter(limited);
  limits.enter(limited);
  expect(() => limits.enter(limited)).toThrow(expect.objectContaining({ code: 'rate_limited' }));
  first();
  first();
  limits.enter(limited);
  expect(() => limits.enter(limited)).toThrow();
});

test('keys do not share their limits, and one without limits has none', () => {
  const limits = new KeyLimits();
  limits.enter(key({ concurrency: 1 }));
  limits.enter(key({ id: 'bbbbbbbb', concurrency: 1 }));
  for (let at = 0; at < 1000; at++) limits.enter(key({ id: 'cccccccc' }));
});
