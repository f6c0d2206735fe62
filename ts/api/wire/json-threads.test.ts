import { afterEach, expect, test } from 'vitest';
import { JsonThreads } from './json-threads.ts';

const BOUNDS = { maxValues: 1000 };
const bytesOf = (value: unknown) => new Uint8Array(Buffer.from(JSON.stringify(value)));
const here = new AbortController().signal;

let threads: JsonThreads;
afterEach(() => threads.close());

test('many at once share two threads, and each gets its own', async () => {
  threads = new JsonThreads();
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  expect(await Promise.all(numbers.map((n) => threads.parse(bytesOf([n]), BOUNDS, here)))).toEqual(
    numbers.map((n) => [n]),
  );
  expect(threads.size).toBe(2);
  await expect(threads.parse(bytesOf(Array(2000).fill(null)), BOUNDS, here)).rejects.toMatchObject({
    code: 'body_too_large',
  });
  await expect(threads.parse(new Uint8Array([0x7b]), BOUNDS, here)).rejects.toMatchObject({ code: 'invalid_json' });
});

test('a thread ends when it is idle, and what comes while it ends has another', async () => {
  threads = new JsonThreads({ idleMs: 5 });
  for (let round = 0; round < 30; round++) {
    await expect(threads.parse(bytesOf([round]), BOUNDS, here)).resolves.toEqual([round]);
    await new Promise((resolve) => setTimeout(resolve, round % 3 === 0 ? 5 : 4));
  }
  await expect.poll(() => threads.size).toBe(0);
});

test('the smallest that waits goes first, and one whose sender has gone not at all', async () => {
  threads = new JsonThreads();
  const gone = new AbortController();
  const order: string[] = [];
  const ask = (name: string, size: number, signal = here) =>
    threads.parse(bytesOf('x'.repeat(size)), BOUNDS, signal).then(
      () => order.push(name),
      (error: { code: string }) => order.push(`${name} ${error.code}`),
    );
  const all = [
    ask('first', 1),
    ask('second', 1),
    ask('large', 3_000_000),
    ask('left', 10, gone.signal),
    ask('small', 10),
  ];
  gone.abort();
  await Promise.all(all);
  expect(order.filter((name) => name === 'small' || name === 'large')).toEqual(['small', 'large']);
  expect(order).toContain('left cancelled');
});
