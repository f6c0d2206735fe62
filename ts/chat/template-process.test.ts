import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { ENDLESS } from './fixtures/hostile-templates.ts';
import { TemplateProcess } from './template-process.ts';
import type { TemplateTask } from './template-task.ts';

const entry = new URL('./fixtures/unbounded-worker.ts', import.meta.url);

const abilities = (template: string): TemplateTask => ({ kind: 'abilities', template, specialTokens: {} });

function started(options: { heapMb?: number; residentMb?: number } = {}): TemplateProcess {
  const child = new TemplateProcess({ entry, heapMb: 256, residentMb: 512, ...options });
  onTestFinished(async () => {
    child.kill();
    await child.ended;
  });
  return child;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('whatever ends the process is an answer to the job, and to every later one', async () => {
  const child = started();
  const job = child.run(abilities(ENDLESS), 60_000);
  await child.ready;
  process.kill(child.pid ?? 0, 'SIGSEGV');
  expect(await job).toMatchObject({ ended: expect.stringContaining('SIGSEGV'), lasting: true });
  expect(await child.run(abilities('x'), 1000)).toMatchObject({ lasting: true });
  expect(child.alive).toBe(false);
});

test('a process that cannot be started is an answer too', async () => {
  const child = new TemplateProcess({ entry: new URL('./nothing-here.js', entry), heapMb: 64, residentMb: 512 });
  expect(await child.run(abilities('x'), 60_000)).toMatchObject({ lasting: false });
});

test('memory outside of the heap counts', async () => {
  // A bare process takes more than this, so that its watcher ends it though the heap has room.
  const child = started({ residentMb: 8 });
  await child.ended;
  expect(await child.run(abilities('x'), 1000)).toMatchObject({
    ended: expect.stringContaining('memory'),
  });
});

test('ends with its parent, also in the middle of a template that does not end', async () => {
  const file = fileURLToPath(new URL('./fixtures/daemon-that-dies.ts', import.meta.url));
  const daemon = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(daemon.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(exists(pid)).toBe(true);
  daemon.kill('SIGKILL');
  await once(daemon, 'exit');
  await expect.poll(() => exists(pid)).toBe(false);
});

test.runIf(process.platform === 'linux')('gets no variables and no open files of its parent', async () => {
  process.env.OMG_TEST_SECRET = 'hidden';
  onTestFinished(() => {
    delete process.env.OMG_TEST_SECRET;
  });
  const child = started();
  await child.ready;
  const { readFileSync, readlinkSync } = await import('node:fs');
  const environment = readFileSync(`/proc/${child.pid}/environ`, 'utf8');
  expect(environment).not.toMatch(/OMG_|HOME=|PATH=\//);
  const files = readdirSync(`/proc/${child.pid}/fd`).map((fd) => readlinkSync(`/proc/${child.pid}/fd/${fd}`));
  expect(files.filter((file) => file.startsWith('/') && !file.startsWith('/dev/'))).toEqual([]);
});
