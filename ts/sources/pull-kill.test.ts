import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { displayName, modelPath } from '../library/index.ts';
import { fakeGguf, type TestHub, testHub } from './test-hub.ts';

const MB = 1 << 20;
// Each test starts processes.
vi.setConfig({ testTimeout: 60_000 });
const PROGRAM = fileURLToPath(new URL('./test-pull-process.ts', import.meta.url));

function pullInProcess({ standIn, library }: TestHub, model: string, killAt = ''): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, standIn.url, library.layout.root, model, killAt], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

async function killedAfter(child: ChildProcess, bytes: number): Promise<number> {
  if (child.stdout === null) throw new Error('no output');
  let last = 0;
  for await (const line of createInterface(child.stdout)) {
    last = Number(line);
    if (last >= bytes && last <= 8 * MB) child.kill('SIGKILL');
  }
  if (child.signalCode === null && child.exitCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  return last;
}

test('after kill -9 in the middle of a pull the next one transfers only the rest', async () => {
  const context = await testHub();
  const bytes = fakeGguf(4 * MB);
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes, 'config.json': '{}' });
  context.standIn.fault({ host: 'storage', bytesPerSecond: 400_000, times: Infinity });
  const arrived = await killedAfter(pullInProcess(context, 'o/r'), 1 * MB);
  expect(await context.library.list()).toEqual([]);
  context.standIn.faults.clear();

  const before = context.standIn.bytesServed;
  const record = await context.pull('o/r');
  expect((await readFile(modelPath(record))).equals(bytes)).toBe(true);
  // Four connections lose at most the portion that they had not written yet, and what was on its way when the count was taken.
  expect(context.standIn.bytesServed - before).toBeLessThanOrEqual(4.25 * MB - arrived);
  expect(await readdir(context.library.layout.partial)).toEqual([]);
  await context.library.gc();
  expect(await readdir(context.library.layout.leases)).toEqual([]);
});

test('killed again and again, a pull gets to its end', async () => {
  const context = await testHub();
  const bytes = fakeGguf(3 * MB);
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  context.standIn.fault({ host: 'storage', bytesPerSecond: 400_000, times: Infinity });
  for (const goal of [0.5, 1]) await killedAfter(pullInProcess(context, 'o/r'), goal * MB);
  context.standIn.faults.clear();
  const record = await context.pull('o/r');
  expect((await readFile(modelPath(record))).equals(bytes)).toBe(true);
  expect(context.standIn.bytesServed).toBeLessThan(4.5 * MB);
});

test.each(['stage', 'place', 'manifest', 'clean'])(
  'killed at the step %j of an install, the old model or the new one is there, whole, and the next pull works',
  async (step) => {
    const context = await testHub();
    const { library, standIn, pull } = context;
    const [old, now] = [fakeGguf(1000), fakeGguf(2000)];
    const repository = standIn.repository('o/r', { 'm-Q4_K_M.gguf': old });
    const before = await pull('o/r');
    repository.commit('main', { 'm-Q4_K_M.gguf': now });

    const child = pullInProcess(context, 'o/r', step);
    child.stdout?.resume();
    await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');

    const expected = step === 'clean' ? now : old;
    const records = await library.list();
    expect(records.map(({ name }) => displayName(name))).toEqual(['o/r:latest']);
    expect(await library.problems()).toEqual([]);
    expect((await readFile(records[0] ? modelPath(records[0]) : '')).equals(expected)).toBe(true);

    await library.gc({ partialAgeMs: 0 });
    expect((await readFile(records[0] ? modelPath(records[0]) : '')).equals(expected)).toBe(true);
    const after = await pull('o/r');
    expect((await readFile(modelPath(after))).equals(now)).toBe(true);
    expect(after.digest).not.toBe(before.digest);
    await library.gc({ partialAgeMs: 0 });
    expect(await readdir(library.layout.blobs)).toHaveLength(1);
    expect(await readdir(library.layout.manifests)).toHaveLength(1);
    expect(await readdir(library.layout.files)).toHaveLength(1);
    expect((await library.gc({ partialAgeMs: 0 })).removed).toEqual([]);
  },
);
