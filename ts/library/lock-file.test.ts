import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { acquireLock, isLockHeld } from './lock-file.ts';
import { ownIdentity, processState } from './process-identity.ts';
import { temporaryFolder } from './test-store.ts';

vi.setConfig({ testTimeout: 30_000 });

const lockPath = async () => join(await temporaryFolder(), 'x.lock');

test('a lock is held by one at a time, and others get it in turn', async () => {
  const path = await lockPath();
  let holders = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 10 }, async (_, turn) => {
      const lock = await acquireLock(path);
      expect(++holders).toBe(1);
      order.push(turn);
      await sleep(1);
      holders--;
      await lock.release();
    }),
  );
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(existsSync(path)).toBe(false);
});

test('waiting ends with the signal, or with the time-out and the holder named', async () => {
  const path = await lockPath();
  const lock = await acquireLock(path);
  await expect(acquireLock(path, { signal: AbortSignal.timeout(20) })).rejects.toThrow();
  await expect(acquireLock(path, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'conflict' });
  await lock.release();
  await (await acquireLock(path, { timeoutMs: 1000 })).release();
});

function processWith(path: string, body: string): ChildProcess {
  const module = JSON.stringify(new URL('./lock-file.ts', import.meta.url).href);
  const program = `import { acquireLock } from ${module}; const path = ${JSON.stringify(path)}; ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

test('the lock of a process that was killed is taken over, by one of many at a time', async () => {
  const path = await lockPath();
  const holder = processWith(path, "await acquireLock(path); console.log('held'); setInterval(() => {}, 1000);");
  if (holder.stdout === null) throw new Error('no output');
  await once(holder.stdout, 'data');
  expect(await isLockHeld(path)).toBe(true);
  await expect(acquireLock(path, { timeoutMs: 100 })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`pid ${holder.pid}`),
  });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(await isLockHeld(path)).toBe(false);

  const log = join(path, '..', 'log');
  const takers = Array.from({ length: 3 }, () =>
    processWith(
      path,
      `import { appendFileSync } from 'node:fs';
      for (let round = 0; round < 30; round++) {
        const lock = await acquireLock(path, { pollMs: 1 });
        appendFileSync(${JSON.stringify(log)}, 'in ' + process.pid + '\\n');
        await new Promise((resolve) => setTimeout(resolve, 1));
        appendFileSync(${JSON.stringify(log)}, 'out ' + process.pid + '\\n');
        await lock.release();
      }`,
    ),
  );
  await Promise.all(takers.map((taker) => once(taker, 'exit')));
  const lines = (await readFile(log, 'utf8')).trim().split('\n');
  expect(lines).toHaveLength(180);
  for (let i = 0; i < lines.length; i += 2) expect(lines[i + 1]).toBe(lines[i]?.replace('in', 'out'));
  expect(await readdir(join(path, '..'))).toEqual(['log']);
});

test('a pid that was given to another process does not hold a lock', async () => {
  const path = await lockPath();
  const { startedAt, ...own } = await ownIdentity();
  if (startedAt === undefined) return;
  await writeFile(path, JSON.stringify({ id: 'old', ...own, startedAt: `${startedAt}0` }));
  expect(await isLockHeld(path)).toBe(false);
  await (await acquireLock(path, { timeoutMs: 1000 })).release();
});

test('a holder that cannot be looked up counts until its heartbeat is old', async () => {
  const path = await lockPath();
  await writeFile(path, JSON.stringify({ id: 'far', pid: 1, hostname: `${hostname()}-other` }));
  expect(await isLockHeld(path)).toBe(true);
  await utimes(path, new Date(), new Date(Date.now() - 61_000));
  expect(await isLockHeld(path)).toBe(false);
});

test.each([
  ['torn', '{"id":"a', 6_000],
  ['torn, of the future', '{"id":"a', -3_600_000],
  ['unsigned', '', 61_000],
  ['unsigned, of the future', '', -3_600_000],
  ['of another machine and the future', JSON.stringify({ id: 'far', pid: 1, hostname: 'far' }), -3_600_000],
])('a lock file that is %s counts for a while only', async (_, text, ageMs) => {
  const path = await lockPath();
  await writeFile(path, text);
  expect(await isLockHeld(path)).toBe(true);
  await utimes(path, new Date(), new Date(Date.now() - ageMs));
  const lock = await acquireLock(path, { timeoutMs: 1000 });
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
  await lock.release();
  expect(await readdir(join(path, '..'))).toEqual([]);
});

test('what is no file where a lock should be is told, and not waited for', async () => {
  const path = await lockPath();
  await mkdir(path);
  await expect(acquireLock(path, { timeoutMs: 1000 })).rejects.toMatchObject({
    code: 'conflict',
    hint: expect.stringContaining('Move'),
  });
});

test('a released lock that another one has taken over is left alone', async () => {
  const path = await lockPath();
  const lock = await acquireLock(path);
  await writeFile(path, JSON.stringify({ id: 'other', pid: process.pid, hostname: hostname() }));
  await lock.release();
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ id: 'other' });
});

test('a process knows itself, and that an ended one is gone', async () => {
  expect(await processState(await ownIdentity())).not.toBe('dead');
  const child = spawn(process.execPath, ['--eval', '0'], { stdio: 'ignore' });
  const { pid = 0 } = child;
  await once(child, 'exit');
  expect(await processState({ pid, hostname: hostname() })).toBe('dead');
});
