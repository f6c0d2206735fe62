import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Journal, RangeSet } from './journal.ts';

async function path(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'omg-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'x.journal');
}

test('ranges agree with a set of single bytes, in any order', () => {
  let state = 12345;
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state % below;
  };
  for (let round = 0; round < 200; round++) {
    const ranges = new RangeSet();
    const bytes = new Set<number>();
    for (let i = 0; i < random(8); i++) {
      const start = random(40);
      const end = start + random(10);
      ranges.add(start, end);
      for (let byte = start; byte < end; byte++) bytes.add(byte);
    }
    const missing = Array.from({ length: 50 }, (_, byte) => byte).filter((byte) => !bytes.has(byte));
    expect(ranges.missing(50).flatMap(([a, b]) => Array.from({ length: b - a }, (_, i) => a + i))).toEqual(missing);
    expect(ranges.bytes).toBe(bytes.size);
    expect(ranges.frontier).toBe(missing[0]);
    const at = random(50);
    expect(ranges.nextMissing(at)).toBe(missing.find((byte) => byte >= at));
  }
});

test('a journal is read back, and goes on after a torn line', async () => {
  const file = await path();
  const first = await Journal.open(file, 100, true);
  await Promise.all([first.add(0, 10), first.add(50, 60), first.add(10, 20)]);
  await first.close();
  await appendFile(file, '70 9');
  const second = await Journal.open(file, 100, true);
  expect(second.ranges.list()).toEqual([
    [0, 20],
    [50, 60],
  ]);
  await second.add(20, 50);
  await second.close();
  const third = await Journal.open(file, 100, true);
  expect(third.ranges.list()).toEqual([[0, 60]]);
  await third.close();
  expect(await readFile(file, 'utf8')).toBe('100\n0 60\n');
});

test('a journal of another size, of no partial file, or of nonsense is begun again', async () => {
  const file = await path();
  for (const [text, size, exists] of [
    ['100\n0 10\n', 99, true],
    ['100\n0 10\n', 100, false],
    ['what', 100, true],
    ['100\n0 101\n-1 5\n', 100, true],
  ] as const) {
    await writeFile(file, text);
    const journal = await Journal.open(file, size, exists);
    expect(journal.ranges.bytes).toBe(0);
    await journal.close();
  }
});
