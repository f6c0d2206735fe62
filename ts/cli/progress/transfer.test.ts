import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { PullLine } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { Printer } from '../printer.ts';
import { cellWidth } from '../terminal/text.ts';
import { showTransfer } from './show-transfer.ts';
import { Transfer, transferRows } from './transfer.ts';

const A = { status: 'pulling aaaaaaaaaaaa', digest: `sha256:${'a'.repeat(64)}`, total: 100_000_000 };
const B = { status: 'pulling bbbbbbbbbbbb', digest: `sha256:${'b'.repeat(64)}`, total: 50_000_000 };

function clocked() {
  let now = 0;
  const transfer = new Transfer(() => now);
  const at = (ms: number, line: PullLine) => {
    now = ms;
    transfer.add(line);
  };
  return { transfer, at };
}

test('speed and time left follow the last seconds', () => {
  const { transfer, at } = clocked();
  at(0, A);
  expect(transfer.bytesPerSecond).toBeUndefined();
  at(1000, { ...A, completed: 10_000_000 });
  expect(transfer.bytesPerSecond).toBe(10_000_000);
  expect(transfer.remainingMs).toBe(9000);
  at(2000, { ...A, completed: 60_000_000 });
  at(7000, { ...A, completed: 60_000_000 });
  expect(transfer.bytesPerSecond).toBe(0);
  expect(transfer.remainingMs).toBeUndefined();
});

test('what was there before is neither speed nor download', () => {
  const { transfer, at } = clocked();
  at(0, { ...A, completed: 90_000_000 });
  at(1000, { ...A, completed: 95_000_000 });
  expect(transfer.bytesPerSecond).toBe(5_000_000);
  expect(transfer.received).toBe(5_000_000);
  expect(transfer.completed).toBe(95_000_000);
});

test('one file is one row with everything', () => {
  const { transfer, at } = clocked();
  at(0, A);
  at(1000, { ...A, completed: 25_000_000 });
  const [row = '', ...more] = transferRows(transfer, 100);
  expect(more).toEqual([]);
  expect(row).toMatch(/^aaaaaaaaaaaa +▕█+.* +▏ +25% +25\.0 MB \/ 100 MB +25\.0 MB\/s, 3\.0s left$/);
});

test('several files have a row each and one for all', () => {
  const { transfer, at } = clocked();
  at(0, A);
  at(0, B);
  at(1000, { ...B, completed: B.total });
  const rows = transferRows(transfer, 100);
  expect(rows.map((row) => row.split(' ')[0])).toEqual(['aaaaaaaaaaaa', 'bbbbbbbbbbbb', 'in']);
  expect(rows[1]).toContain('100%');
  expect(rows[2]).toContain('50.0 MB / 150 MB');
});

test.each([24, 40, 80, 200])('no row is wider than a terminal of %i columns', (columns) => {
  const { transfer, at } = clocked();
  at(0, { ...A, status: 'pulling a-model-with-a-very-long-file-name-日本語-00001-of-00002.gguf' });
  at(1000, { ...A, completed: 33_333_333 });
  for (const row of transferRows(transfer, columns)) expect(cellWidth(row)).toBeLessThanOrEqual(columns);
});

test('before the first file the step is shown', () => {
  const { transfer, at } = clocked();
  at(0, { status: 'pulling manifest' });
  expect(transferRows(transfer, 80)).toEqual(['pulling manifest…']);
});

async function* lines(): AsyncGenerator<PullLine> {
  yield { status: 'pulling manifest' };
  yield A;
  for (const share of [0.2, 0.5, 1]) yield { ...A, completed: A.total * share };
  yield { status: 'verifying sha256 digest\u001b[2J' };
  yield { status: 'success' };
}

async function shown(options: { isTTY: boolean; isQuiet?: boolean }): Promise<string> {
  const stderr = Object.assign(new PassThrough(), { isTTY: options.isTTY, columns: 80 });
  await showTransfer(new Printer({ stdout: new PassThrough(), stderr, isQuiet: options.isQuiet }), lines());
  return String(stderr.read() ?? '');
}

test('without a terminal there is a line per step and file', async () => {
  expect((await shown({ isTTY: false })).replace(/in \d.*/, 'in T.')).toBe(
    'pulling manifest\npulling aaaaaaaaaaaa (100 MB)\nverifying sha256 digest[2J\nsuccess\nDownloaded 100 MB in T.\n',
  );
});

test('on a terminal the bars are redrawn in place', async () => {
  const text = await shown({ isTTY: true });
  expect(text).toContain('\u001b[1A');
  expect(text).toMatch(/100% {6}100 MB \/ 100 MB/);
});

test('files are called by their names, and what was found or came before is told apart from what was downloaded', async () => {
  const stderr = Object.assign(new PassThrough(), { isTTY: false, columns: 80 });
  const file = (letter: string, more: object) => ({
    ...A,
    digest: letter,
    file: `${letter}.gguf`,
    completed: A.total,
    ...more,
  });
  async function* found(): AsyncGenerator<PullLine> {
    yield file('a', { origin: 'hugging-face' });
    yield file('b', { origin: 'store' });
    yield file('c', { completed: 40_000_000, resumed: 40_000_000 });
    yield file('c', { resumed: 40_000_000 });
    yield { status: 'success' };
  }
  const transfer = await showTransfer(new Printer({ stdout: new PassThrough(), stderr }), found());
  expect(transfer.received).toBe(60_000_000);
  const text = String(stderr.read()).replace(/ in \S+/, ' in T');
  expect(text).toContain('pulling a.gguf (100 MB)');
  expect(text).toContain('Downloaded 60.0 MB in T (40.0 MB had come before).\n');
  expect(text).toContain('Adopted 100 MB from the Hugging Face cache.\n100 MB were here already.\n');
});

test('an interrupted download says what is kept and how to go on', async () => {
  const stderr = Object.assign(new PassThrough(), { isTTY: false, columns: 80 });
  async function* stopped(): AsyncGenerator<PullLine> {
    yield { ...A, file: 'a.gguf', completed: 30_000_000 };
    throw new OmgError('cancelled', 'The request was cancelled.');
  }
  await expect(showTransfer(new Printer({ stdout: new PassThrough(), stderr }), stopped())).rejects.toThrow();
  expect(String(stderr.read())).toContain('Stopped at 30.0 MB of 100 MB. The same command goes on from there.');
});

test('--quiet shows nothing', async () => {
  expect(await shown({ isTTY: true, isQuiet: true })).toBe('');
});
