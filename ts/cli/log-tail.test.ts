import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readableLogLine } from './commands/logs.ts';
import { followFile, lastLines } from './log-tail.ts';
import { styleOf } from './terminal/style.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'omg-log-'));
  path = join(folder, 'daemon.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([0, 1, 3, 5000])('the last %i lines are read from the end', async (count) => {
  const all = Array.from({ length: 4000 }, (_, at) => `line ${at} ${'é'.repeat(at % 40)}`);
  writeFileSync(path, `${all.join('\n')}\n`);
  expect((await lastLines(path, count)).lines).toEqual(count === 0 ? [] : all.slice(-count));
});

test('an empty log has no lines, a missing one is not found', async () => {
  writeFileSync(path, '');
  expect((await lastLines(path, 10)).lines).toEqual([]);
  await expect(lastLines(join(folder, 'absent'), 10)).rejects.toMatchObject({ code: 'not_found' });
});

test('added lines are followed whole, also when the file starts anew', async () => {
  writeFileSync(path, 'old\n');
  const stop = new AbortController();
  const seen: string[] = [];
  const following = followFile(path, 4, (line) => seen.push(line), stop.signal);
  appendFileSync(path, 'one\ntw');
  await expect.poll(() => seen).toEqual(['one']);
  appendFileSync(path, 'o\n');
  await expect.poll(() => seen).toEqual(['one', 'two']);
  writeFileSync(path, 'new\n');
  await expect.poll(() => seen).toEqual(['one', 'two', 'new']);
  stop.abort();
  await following;
});

test('a line of the log becomes a sentence, one that is not JSON stays what it is', () => {
  const style = styleOf(false);
  const line = '{"level":40,"time":1767323045678,"pid":1,"msg":"slow \\u001b[2J","model":"demo","ms":12}';
  expect(readableLogLine(line, style)).toBe('2026-01-02 03:04:05.678 warn  slow [2J model=demo ms=12');
  expect(readableLogLine('plain \u0007text', style)).toBe('plain text');
});
