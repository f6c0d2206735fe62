import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { testDaemon } from './serve.ts';

/** A disk of our own that can be filled: only root may have one. Elsewhere these tests have nothing to run on. */
let disk: string;
let isMounted = false;
beforeAll(async () => {
  disk = await mkdtemp(join(tmpdir(), 'omg-disk-'));
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    isMounted = true;
  } catch {
    // A container without the right to mount.
  }
});
afterAll(async () => {
  if (isMounted) execFileSync('umount', ['-l', disk]);
  await rm(disk, { recursive: true, force: true });
});
beforeEach(async ({ skip }) => {
  if (!isMounted) skip();
  for (const file of await readdir(disk)) await rm(join(disk, file), { recursive: true, force: true });
});

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');

/** Takes every byte that is left. */
async function fill(): Promise<void> {
  const path = join(disk, 'ballast');
  for (const size of [65_536, 4096, 256, 1]) {
    for (;;) {
      const isFull = await appendFile(path, Buffer.alloc(size)).then(
        () => false,
        ({ code }) => code === 'ENOSPC',
      );
      if (isFull) break;
    }
  }
  await expect(writeFile(join(disk, 'probe'), 'x')).rejects.toMatchObject({ code: 'ENOSPC' });
  await rm(join(disk, 'probe'));
}

async function omg(args: string[], home: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, OMG_HOME: home, OMG_PORT: '0' };
  return await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], { env })
    .then((result) => ({ ...result, code: 0 }))
    .catch(({ code, stdout, stderr }) => ({ code, stdout, stderr }));
}

test('on a full disk models are removed and garbage is collected, and what needs space says so', async () => {
  const home = join(disk, 'home');
  const served = await testDaemon({ home });
  try {
    await served.install('one');
    await served.install('two');
    await fill();
    const send = async (method: string, path: string, body: object): Promise<[number, string]> => {
      const answer = await fetch(served.url + path, { method, body: JSON.stringify(body) });
      return [answer.status, await answer.text()];
    };
    // What needs space, first: it must leave nothing that stands in the way of the rest.
    for (const [method, path, body] of [
      ['PATCH', '/ohmygpu/v1/config', { 'api.ollama_version': '0.9.9' }],
      ['POST', '/api/copy', { source: 'one', destination: 'three' }],
      ['POST', '/ohmygpu/v1/models/import', { path: join(home, 'one.gguf'), name: 'four', copy: true }],
    ] as const) {
      const [status, text] = await send(method, path, body);
      expect([path, status, text]).toEqual([path, 507, expect.stringMatching(/space|free/)]);
    }
    expect((await readdir(home, { recursive: true })).filter((file) => /\.tmp|\.lock/.test(file))).toEqual([]);
    expect(await send('POST', '/ohmygpu/v1/models/gc', {})).toMatchObject([200, expect.anything()]);
    expect(await send('DELETE', '/api/delete', { model: 'one' })).toMatchObject([200, expect.anything()]);
    expect(await (await fetch(`${served.url}/api/tags`)).text()).not.toContain('one:latest');
    await rm(join(disk, 'ballast'));
    expect((await send('POST', '/api/copy', { source: 'two', destination: 'three' }))[0]).toBe(200);
  } finally {
    await served.stop();
  }
});

test('on a full disk a daemon starts, and keys are refused with what to do and nothing left behind', async () => {
  const home = join(disk, 'home');
  await mkdir(home);
  await fill();
  const { code, stderr } = await omg(['keys', 'create'], home);
  expect([code, stderr]).toEqual([6, expect.stringMatching(/^error: .*no space left.*\nhint: /s)]);
  expect(stderr).not.toContain('    at ');
  expect(await readdir(home)).toEqual([]);
  const served = await testDaemon({ home });
  expect((await fetch(`${served.url}/health`)).status).toBe(200);
  await expect(testDaemon({ home })).rejects.toMatchObject({ code: 'daemon_running' });
  await served.stop();
});

test('where nothing may be written commands say so, without a stack', async () => {
  const home = join(disk, 'home');
  await mkdir(home);
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  try {
    for (const args of [['serve'], ['keys', 'create'], ['config', 'set', 'log.level', 'debug']]) {
      const { code, stderr } = await omg(args, home);
      expect([args, code, stderr]).toEqual([args, 6, expect.stringMatching(/^error: .*read-only.*\nhint: /s)]);
      expect(stderr).not.toContain('    at ');
    }
  } finally {
    execFileSync('mount', ['-o', 'remount,rw', disk]);
  }
});

test('what a crash left of a write is gone after the next start', async () => {
  const home = join(disk, 'home');
  const manifests = join(home, 'models', 'manifests');
  await mkdir(manifests, { recursive: true });
  const left = [join(home, '.tmp-1'), join(manifests, '.tmp-2')];
  const young = join(home, '.tmp-3');
  for (const path of [...left, young]) await writeFile(path, 'x');
  const before = new Date(Date.now() - 120_000);
  for (const path of left) await utimes(path, before, before);
  const served = await testDaemon({ home });
  expect(left.filter((path) => existsSync(path))).toEqual([]);
  expect((await stat(young)).isFile()).toBe(true);
  expect((await readFile(served.config.paths.logFile, 'utf8')).length).toBeGreaterThan(0);
  await served.stop();
});
