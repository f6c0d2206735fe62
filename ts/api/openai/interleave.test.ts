import { expect, test } from 'vitest';
import { interleave } from './interleave.ts';

async function* source(name: string, count: number, ended: string[] = [], failAt = -1): AsyncGenerator<string> {
  try {
    for (let index = 0; index < count; index++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (index === failAt) throw new Error(`${name} failed`);
      yield `${name}${index}`;
    }
  } finally {
    ended.push(name);
  }
}

test('every event comes once with its source, in the order of each', async () => {
  const seen = new Map<number, string[]>();
  for await (const [index, event] of interleave([source('a', 3), source('b', 0), source('c', 5)])) {
    seen.set(index, [...(seen.get(index) ?? []), event]);
  }
  expect([...seen].sort(([a], [b]) => a - b)).toEqual([
    [0, ['a0', 'a1', 'a2']],
    [2, ['c0', 'c1', 'c2', 'c3', 'c4']],
  ]);
});

test('a failure, or leaving, ends all sources', async () => {
  const ended: string[] = [];
  const events = interleave([source('a', 100, ended), source('b', 100, ended, 2), source('c', 100, ended)]);
  const readAll = async (): Promise<void> => {
    for await (const _ of events);
  };
  await expect(readAll()).rejects.toThrow('b failed');
  expect(ended.toSorted()).toEqual(['a', 'b', 'c']);
  const left: string[] = [];
  for await (const _ of interleave([source('a', 100, left), source('b', 100, left)])) break;
  expect(left.toSorted()).toEqual(['a', 'b']);
});

test('a thousand sources of which most wait long cost no more than their events', async () => {
  const { promise: never, resolve: end } = Promise.withResolvers<void>();
  async function* silent(): AsyncGenerator<string> {
    await never;
    yield* [];
  }
  const startedAt = performance.now();
  let count = 0;
  const sources = [source('busy', 20_000), ...Array.from({ length: 1000 }, silent)];
  for await (const _ of interleave(sources)) if (++count === 20_000) end();
  expect(count).toBe(20_000);
  // A race of all promises at each event leaves 20 million reactions behind.
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});
