import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { JsonThreads } from './json-threads.ts';

const BOUNDS = { maxValues: 1000 };
const MIB = 1024 * 1024;
const here = new AbortController().signal;

let threads: JsonThreads;
afterEach(() => threads.close());

const bytesOf = (value: unknown) => new Uint8Array(Buffer.from(JSON.stringify(value)));
const parse = async (bytes: Uint8Array<ArrayBuffer>, signal = here) =>
  (await threads.parse({ bytes, limitBytes: 33 * MIB, bounds: BOUNDS }, signal)).parsed.value;
const unpackAndParse = (value: unknown, limitBytes = 33 * MIB) => {
  const bytes = new Uint8Array(gzipSync(JSON.stringify(value)));
  return threads.parse({ bytes, encoding: 'gzip', limitBytes, bounds: BOUNDS }, here);
};

test('many at once share a thread, and each gets its own', async () => {
  threads = new JsonThreads();
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  expect(await Promise.all(numbers.map((n) => parse(bytesOf([n]))))).toEqual(numbers.map((n) => [n]));
  expect(threads.size).toBe(1);
  await expect(parse(bytesOf(Array(2000).fill(null)))).rejects.toMatchObject({ code: 'body_too_large' });
  await expect(parse(new Uint8Array([0x7b]))).rejects.toMatchObject({ code: 'invalid_json' });
});

test('a thread ends when it is idle, and what comes while it ends has another', async () => {
  threads = new JsonThreads({ idleMs: 5 });
  for (let round = 0; round < 30; round++) {
    await expect(parse(bytesOf([round]))).resolves.toEqual([round]);
    await new Promise((resolve) => setTimeout(resolve, round % 3 === 0 ? 5 : 4));
  }
  await expect.poll(() => threads.size).toBe(0);
});

test('what is large or packed is done one at a time, a thread that read a large one ends, and small ones go past', async () => {
  threads = new JsonThreads();
  const large = 'x'.repeat(6 * MIB);
  const order: string[] = [];
  const note = (name: string) => () => void order.push(name);
  const sizes: number[] = [];
  const all = [
    unpackAndParse(large).then(({ size, parsed }) => {
      order.push('packed');
      expect([size, parsed.value === large]).toEqual([large.length + 2, true]);
    }),
    parse(bytesOf(large)).then(note('large')),
    parse(bytesOf('small')).then(note('small')),
    parse(bytesOf('too')).then(note('too')),
  ];
  const watch = setInterval(() => sizes.push(threads.size), 5);
  await Promise.all(all);
  clearInterval(watch);
  expect(order.indexOf('too')).toBeLessThan(order.indexOf('large'));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2);
  // That of the small ones stays for a while.
  await expect.poll(() => threads.size).toBe(1);
  await unpackAndParse('small');
  expect(threads.size).toBe(2);
  await expect(unpackAndParse(large, MIB)).rejects.toMatchObject({ code: 'body_too_large' });
});

test('the smallest that waits goes first, and one whose sender has gone not at all', async () => {
  threads = new JsonThreads();
  const gone = new AbortController();
  const order: string[] = [];
  const ask = (name: string, size: number, signal = here) =>
    parse(bytesOf('x'.repeat(size)), signal).then(
      () => order.push(name),
      (error: { code: string }) => order.push(`${name} ${error.code}`),
    );
  const all = [ask('first', 1), ask('large', 3_000_000), ask('left', 10, gone.signal), ask('small', 10)];
  gone.abort();
  await expect.poll(() => order).toContain('left cancelled');
  await Promise.all(all);
  expect(order.filter((name) => name === 'small' || name === 'large')).toEqual(['small', 'large']);
});
