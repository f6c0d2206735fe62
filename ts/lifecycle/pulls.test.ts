import { expect, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import type { InstallRecord } from '../library/index.ts';
import type { PullProgress } from '../sources/index.ts';
import { settle } from './clock.ts';
import type { Puller } from './ports.ts';
import { errorOf, testModels, testRecord } from './test-models.ts';
import type { PullSpec } from './types.ts';

/** A pull that a test moves on by hand. */
class HandPuller implements Puller {
  readonly pulls: {
    spec: PullSpec;
    signal: AbortSignal;
    report: (status: PullProgress['status'], completedBytes: number) => void;
    succeed: (record?: InstallRecord) => void;
    fail: (error: Error) => void;
  }[] = [];

  pull(
    spec: PullSpec,
    options: { signal: AbortSignal; onProgress: (progress: PullProgress) => void },
  ): Promise<InstallRecord> {
    return new Promise((resolve, reject) => {
      options.signal.addEventListener('abort', () => reject(new OmgError('cancelled', 'stopped')));
      this.pulls.push({
        spec,
        signal: options.signal,
        report: (status, completedBytes) => options.onProgress({ status, totalBytes: 100, completedBytes, files: [] }),
        succeed: (record = testRecord('new')) => resolve(record),
        fail: reject,
      });
    });
  }
}

function setUp(): ReturnType<typeof testModels> & { puller: HandPuller } {
  const puller = new HandPuller();
  return { ...testModels({ puller }), puller };
}

async function watched(progress: AsyncIterable<PullProgress>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { status, completedBytes } of progress) seen.push(`${status} ${completedBytes}`);
  return seen;
}

test('progress, then success, for everyone who watches', async () => {
  const { manager, puller, clock } = setUp();
  const job = manager.pull({ model: 'o/r' });
  const both = [watched(job.watch()), watched(job.watch())];
  await settle();
  puller.pulls[0]?.report('downloading', 10);
  await clock.advance(100);
  puller.pulls[0]?.report('verifying', 100);
  expect(job.state.status).toBe('verifying');
  await clock.advance(100);
  puller.pulls[0]?.succeed();
  const expected = ['waiting 0', 'downloading 10', 'verifying 100', 'success 100'];
  expect(await Promise.all(both)).toEqual([expected, expected]);
  expect(job.state).toMatchObject({ status: 'success', progress: { status: 'success' } });
});

test('progress is told every 60 ms at most, and the last of it always', async () => {
  const { manager, puller, clock } = setUp();
  const seen = watched(manager.pull({ model: 'o/r' }).watch());
  await settle();
  for (let bytes = 1; bytes <= 50; bytes++) {
    puller.pulls[0]?.report('downloading', bytes);
    await clock.advance(4);
  }
  await clock.advance(60);
  puller.pulls[0]?.succeed();
  const told = await seen;
  expect(told.length).toBeLessThan(8);
  expect(told).toContain('downloading 50');
});

test('every spelling of the same files joins one transfer', async () => {
  const { manager, puller } = setUp();
  const job = manager.pull({ model: 'Owner/Repo:Q4_K_M' });
  expect(manager.pull({ model: 'hf.co/owner/repo', quant: 'q4_k_m' })).toBe(job);
  expect(manager.pull({ model: 'owner/repo:Q8_0' })).not.toBe(job);
  expect(manager.pull({ model: 'owner/repo:Q4_K_M', revision: 'main' })).not.toBe(job);
  await settle();
  expect(puller.pulls).toHaveLength(3);
  expect(manager.pulls()).toHaveLength(3);
});

test('the transfer stops when the last watcher leaves, unless it is detached', async () => {
  const { manager, puller } = setUp();
  const job = manager.pull({ model: 'o/r' });
  const first = new AbortController();
  const second = new AbortController();
  const left = [errorOf(watched(job.watch(first.signal))), errorOf(watched(job.watch(second.signal)))];
  await settle();
  first.abort();
  await settle();
  expect(puller.pulls[0]?.signal.aborted).toBe(false);
  second.abort();
  await settle();
  expect(puller.pulls[0]?.signal.aborted).toBe(true);
  expect((await Promise.all(left)).map((error) => error.code)).toEqual(['cancelled', 'cancelled']);
  expect(job.state.status).toBe('cancelled');

  const kept = manager.pull({ model: 'o/other' });
  kept.detach();
  for await (const _ of kept.watch()) break;
  await settle();
  expect(puller.pulls[1]?.signal.aborted).toBe(false);
});

test('a pull of what is just being stopped starts anew, after it has stopped', async () => {
  const { manager, puller } = setUp();
  const job = manager.pull({ model: 'o/r' });
  await settle();
  const cancelled = job.cancel();
  const again = manager.pull({ model: 'o/r' });
  expect(again).not.toBe(job);
  await cancelled;
  await settle();
  puller.pulls[1]?.succeed();
  expect(await watched(again.watch())).toContain('success 0');
  expect(job.state.status).toBe('cancelled');
});

test('an error reaches those who watch, those who come later, and the state', async () => {
  const { manager, puller } = setUp();
  const job = manager.pull({ model: 'o/r' });
  const failed = errorOf(watched(job.watch()));
  await settle();
  puller.pulls[0]?.fail(new OmgError('repo_not_found', 'no such repository', { hint: 'Look at the name.' }));
  expect((await failed).code).toBe('repo_not_found');
  expect((await errorOf(watched(job.watch()))).code).toBe('repo_not_found');
  expect(job.state).toMatchObject({ status: 'error', error: { code: 'repo_not_found', hint: 'Look at the name.' } });
});

test('a pull can be found for an hour after its end', async () => {
  const { manager, puller, clock } = setUp();
  const job = manager.pull({ model: 'o/r' });
  job.detach();
  await settle();
  puller.pulls[0]?.succeed();
  await settle();
  await clock.advance(3_600_000);
  expect(manager.findPull(job.id)).toBe(job);
  await clock.advance(1);
  expect(manager.findPull(job.id)).toBeUndefined();
  expect(manager.findPull('pull_nothing')).toBeUndefined();
});

test('a model that was replaced by a pull leaves memory', async () => {
  const { manager, puller, store } = setUp();
  await manager.load('a');
  manager.pull({ model: 'a' }).detach();
  await settle();
  const newer = { ...testRecord('a'), digest: 'ff'.repeat(32) };
  store.records = [newer];
  puller.pulls[0]?.succeed(newer);
  await settle();
  expect(manager.running()).toEqual([]);
  await manager.load('a');
  expect(manager.running()).toMatchObject([{ record: { digest: newer.digest } }]);
});

test('closing stops the pulls and takes no more', async () => {
  const { manager, puller } = setUp();
  const events = manager.events();
  const job = manager.pull({ model: 'o/r' });
  job.detach();
  await settle();
  await manager.close(0);
  expect(puller.pulls[0]?.signal.aborted).toBe(true);
  expect(() => manager.pull({ model: 'o/r' })).toThrow(expect.objectContaining({ code: 'shutting_down' }));
  const types: string[] = [];
  for await (const event of events) types.push(event.type);
  expect(types.at(-1)).toBe('download.done');
});
