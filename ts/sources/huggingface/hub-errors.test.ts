import { expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import { parseRetryAfter, type RetryPolicy, TransientError, withRetries } from '../transfer/retry.ts';
import { hubError } from './hub-errors.ts';

const asked = { repo: 'o/r', endpoint: 'https://hub', hasToken: false, filename: 'f.gguf', revision: 'v1' };
const answer = (status: number, headers: Record<string, string> = {}, fromHub = true) =>
  hubError({ status, headers, fromHub }, asked);

test.each<[number, Record<string, string>, string]>([
  [401, { 'x-error-code': 'RepoNotFound' }, 'repo_not_found'],
  [401, {}, 'repo_not_found'],
  [401, { 'x-error-code': 'GatedRepo' }, 'repo_gated'],
  [403, { 'x-error-code': 'GatedRepo' }, 'repo_gated'],
  [403, {}, 'repo_gated'],
  [404, { 'x-error-code': 'RevisionNotFound' }, 'repo_not_found'],
  [404, { 'x-error-code': 'EntryNotFound' }, 'repo_not_found'],
  [404, {}, 'repo_not_found'],
  [418, {}, 'hub_error'],
])('%i with %j is %s, at once', (status, headers, code) => {
  expect(answer(status, headers)).toMatchObject({ code });
  expect(answer(status, headers)).toBeInstanceOf(OmgError);
});

test.each([408, 429, 500, 502, 503, 504])('%i is tried again', (status) => {
  expect(answer(status)).toBeInstanceOf(TransientError);
});

test('an address of the storage that has ended is asked for again', () => {
  expect(answer(403, {}, false)).toBeInstanceOf(TransientError);
  expect(answer(404, { 'x-error-code': 'RepoNotFound' }, false)).toBeInstanceOf(TransientError);
});

test('how long to wait is told in seconds, as a date, or by the rate limit', () => {
  const wait = (headers: Record<string, string>) => (answer(429, headers) as TransientError).retryAfterMs;
  expect(wait({ 'retry-after': '7' })).toBe(7_000);
  expect(wait({ ratelimit: '"api";r=0;t=55' })).toBe(55_000);
  expect(wait({ ratelimit: '"api";r=3;t=55' })).toBeUndefined();
  expect(wait({})).toBeUndefined();
  const date = parseRetryAfter(new Date(Date.now() + 60_000).toUTCString());
  expect(date).toBeGreaterThan(55_000);
  expect(date).toBeLessThanOrEqual(60_000);
  expect(parseRetryAfter('soon')).toBeUndefined();
  expect(parseRetryAfter(new Date(0).toUTCString())).toBe(0);
});

const policy: RetryPolicy = { attempts: 3, baseDelayMs: 1, maxDelayMs: 1, maxRetryAfterMs: 100 };
const transient = (retryAfterMs?: number) => new TransientError(new OmgError('hub_error', 'x'), retryAfterMs);

test('tries end after so many failures in a row; progress gives them back', async () => {
  let tries = 0;
  const always = withRetries(policy, async () => {
    tries++;
    throw transient();
  });
  await expect(always).rejects.toMatchObject({ code: 'hub_error' });
  expect(tries).toBe(3);

  tries = 0;
  const moving = await withRetries(policy, async (madeProgress) => {
    if (++tries === 10) return 'done';
    madeProgress();
    throw transient();
  });
  expect(moving).toBe('done');
});

test('other errors, a wait that is too long, and a stop end it at once', async () => {
  let tries = 0;
  const failing = (error: Error) =>
    withRetries(policy, async () => {
      tries++;
      throw error;
    });
  await expect(failing(new OmgError('repo_gated', 'x'))).rejects.toMatchObject({ code: 'repo_gated' });
  await expect(failing(transient(101))).rejects.toMatchObject({ code: 'hub_error' });
  expect(tries).toBe(2);
  const stop = new AbortController();
  const waiting = withRetries(
    { ...policy, baseDelayMs: 60_000, maxDelayMs: 60_000 },
    async () => Promise.reject(transient()),
    stop.signal,
  );
  setTimeout(() => stop.abort(), 10);
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});
