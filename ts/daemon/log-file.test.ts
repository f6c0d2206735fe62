import { mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog } from './log.ts';
import { LogFile } from './log-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omg-log-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a full file makes room, three old ones stay, no line is torn', async () => {
  const log = new LogFile(join(folder, 'logs', 'daemon.log'), { maxBytes: 100 });
  for (let index = 0; index < 30; index++) log.write(`line ${String(index).padStart(3, '0')} ${'x'.repeat(20)}\n`);
  log.close();
  const names = (await readdir(join(folder, 'logs'))).sort();
  expect(names).toEqual(['daemon.log', 'daemon.log.1', 'daemon.log.2', 'daemon.log.3']);
  const texts = await Promise.all(names.toReversed().map((name) => readFile(join(folder, 'logs', name), 'utf8')));
  expect(texts.every((text) => text.length <= 100)).toBe(true);
  const numbers = [...texts.join('').matchAll(/^line (\d+) x{20}$/gm)].map(([, number]) => Number(number));
  expect(numbers).toEqual(Array.from({ length: 12 }, (_, index) => index + 18));
  if (process.platform !== 'win32') expect((await stat(join(folder, 'logs', 'daemon.log'))).mode & 0o777).toBe(0o600);
});

test('a second start goes on with the file; the level holds back what is below it', async () => {
  const file = join(folder, 'daemon.log');
  for (const debug of [false, true]) {
    const { log, close } = createLog({ 'log.level': 'info', 'log.debug': debug }, { file });
    log.debug({}, 'detail');
    log.info({ port: 1 }, 'started');
    close();
  }
  const lines = (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; time: string });
  expect(lines.map(({ msg }) => msg)).toEqual(['started', 'detail', 'started']);
  expect(lines[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
});

test('a log that cannot be written says so once, loses lines and nothing else, and goes on when it can', async () => {
  const problems: Error[] = [];
  const options = { maxBytes: 50, onProblem: (error: Error) => void problems.push(error) };
  await writeFile(join(folder, 'taken'), '');
  const never = new LogFile(join(folder, 'taken', 'daemon.log'), options);
  for (let index = 0; index < 10; index++) never.write('lost\n');
  never.close();
  expect(problems).toHaveLength(1);
  // What stands in the way of the next file appears when this one is full.
  const path = join(folder, 'logs', 'daemon.log');
  const log = new LogFile(path, options);
  log.write(`${'x'.repeat(49)}\n`);
  await rename(join(folder, 'logs'), join(folder, 'away'));
  await writeFile(join(folder, 'logs'), '');
  log.write('lost\n');
  // The number of the old file may be another's by now, and must not get the lines.
  const other = await open(join(folder, 'other'), 'w');
  for (let index = 0; index < 10; index++) log.write('lost\n');
  expect((await other.stat()).size).toBe(0);
  await other.close();
  log.close();
  expect(problems).toHaveLength(2);
});
