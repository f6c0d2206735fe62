import { expect, test } from 'vitest';
import { settle } from './clock.ts';
import { EventStream } from './event-stream.ts';
import { errorOf, promptOf, testModels, textOf } from './test-models.ts';
import type { LifecycleEvent } from './types.ts';

const endless = { reply: () => Array.from({ length: 100_000 }, () => 'word '), contextLength: 1_000_000 };

/** An answer whose first event was read, and nothing since. */
async function unread(manager: ReturnType<typeof testModels>['manager'], name = 'a') {
  const events = manager.run('generate', name, promptOf('x'))[Symbol.asyncIterator]();
  await events.next();
  await settle();
  return events;
}

test('answers that nobody reads give their places to those who wait', async () => {
  const { manager, engine, clock } = testModels({ script: endless, limits: { numParallel: 2 } });
  const stalled = [await unread(manager), await unread(manager)];
  const honest = [1, 2].map(() => textOf(manager.run('generate', 'a', promptOf('y', { maxTokens: 2 }))));
  await clock.advance(9_000);
  expect(manager.running()).toMatchObject([{ activeRequests: 2, queuedRequests: 2 }]);
  await clock.advance(3_000);
  expect(await Promise.all(honest)).toEqual(['word word ', 'word word ']);
  // One place is enough for them; who comes back for the rest is told why there is none.
  expect(engine.generations.map(({ state }) => state)).toEqual(['cancelled', 'prefill', 'finished', 'finished']);
  expect((await errorOf(stalled[0]?.next() ?? Promise.resolve())).code).toBe('answer_not_read');
  expect((await stalled[1]?.next())?.value).toMatchObject({ type: 'text' });
});

test('where nobody waits a reader may stand still for longer, and not for ever', async () => {
  const { manager, clock } = testModels({ script: endless, limits: { numParallel: 2 } });
  await unread(manager);
  await clock.advance(50_000);
  expect(manager.running()).toMatchObject([{ activeRequests: 1 }]);
  await clock.advance(12_000);
  expect(manager.running()).toMatchObject([{ activeRequests: 0 }]);
});

test('who reads a little now and then gives way as well, and who reads what there is does not', async () => {
  const { manager, engine, clock } = testModels({
    script: (path) => (path.includes('/b/') ? { ...endless, tokenMs: 100 } : endless),
    limits: { numParallel: 1 },
  });
  const dripping = await unread(manager);
  const reader = await unread(manager, 'b');
  const served = textOf(manager.run('generate', 'a', promptOf('y', { maxTokens: 1 })));
  const waits = errorOf(textOf(manager.run('generate', 'b', promptOf('y'))));
  for (let second = 0; second < 30; second++) {
    void dripping.next().catch(() => {});
    // Ten words come in a second.
    for (let word = 0; word < 10; word++) {
      const next = reader.next();
      await clock.advance(100);
      expect((await next).value).toMatchObject({ type: 'text' });
    }
  }
  expect(await served).toBe('word ');
  expect(engine.generations.map(({ state }) => state)).toEqual(['cancelled', 'decoding', 'finished']);
  // A request that is cancelled waits for no reader at all.
  const closed = manager.close(0);
  await clock.advance(2_000);
  await closed;
  expect((await waits).code).toBe('shutting_down');
});

test.each([
  ['an unload', (manager: ReturnType<typeof testModels>['manager']) => manager.unload('a')],
  ['an eviction', (manager: ReturnType<typeof testModels>['manager']) => manager.load('b')],
  ['a larger window', (manager: ReturnType<typeof testModels>['manager']) => manager.load('a', { contextLength: 2e6 })],
  ['a stopping daemon', (manager: ReturnType<typeof testModels>['manager']) => manager.close(1e9)],
])('%s need not wait for an answer that nobody reads', async (_, want) => {
  const { manager, clock } = testModels({ script: endless, limits: { numParallel: 1, maxLoadedModels: 1 } });
  await unread(manager);
  const wanted = want(manager);
  await clock.advance(12_000);
  await wanted;
});

test('a model that is to leave at once does, though an answer is not read', async () => {
  const { manager, clock } = testModels({ script: endless });
  const events = manager.run('generate', 'a', promptOf('x'), { keepAliveMs: 0 })[Symbol.asyncIterator]();
  await events.next();
  await clock.advance(12_000);
  expect(manager.running()).toEqual([]);
});

test('a reader of events that stands still is told of each download once, and there are not more readers than some', async () => {
  const stream = new EventStream(() => 0);
  const reader = stream.subscribe();
  const progress = { status: 'downloading', totalBytes: 10, completedBytes: 0, files: [] } as const;
  for (let completedBytes = 0; completedBytes < 10; completedBytes++) {
    for (const model of ['a', 'b']) {
      stream.publish({ type: 'download.progress', model, progress: { ...progress, files: [], completedBytes } });
    }
  }
  stream.publish({ type: 'download.done', model: 'a' });
  stream.close();
  const seen: LifecycleEvent[] = [];
  for await (const event of reader) seen.push(event);
  expect(seen.map(({ type, model }) => `${type} ${model}`)).toEqual([
    'download.progress a',
    'download.progress b',
    'download.done a',
  ]);
  expect(seen[0]).toMatchObject({ progress: { completedBytes: 9 } });
  const many = new EventStream(() => 0);
  const readers = Array.from({ length: 256 }, () => many.subscribe());
  expect(() => many.subscribe()).toThrow(expect.objectContaining({ code: 'server_busy' }));
  await readers[0]?.return?.();
  many.subscribe();
  many.close();
});
