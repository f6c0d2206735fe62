import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDaemon } from './serve.ts';

// A thread that waits for a pipe stands for one that waits for a network disk. What is named over HTTP cannot bring that about any more, so the
// process is given such threads when it starts.

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omg-stuck-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.runIf(process.platform !== 'win32')('pipes that are named over HTTP keep no thread of the daemon', async () => {
  const served = await testDaemon();
  try {
    const path = join(folder, 'model.gguf');
    await promisify(execFile)('mkfifo', [path]);
    const answers = Array.from({ length: 12 }, () =>
      fetch(`${served.url}/ohmygpu/v1/models/import`, { method: 'POST', body: JSON.stringify({ path }) }),
    );
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(answers.map(() => 400));
    expect((await fetch(`${served.url}/api/tags`)).status).toBe(200);
  } finally {
    await served.stop();
  }
});

async function serveStuck(threads: number, home: string): Promise<ChildProcess> {
  const pipe = join(folder, 'pipe');
  await promisify(execFile)('mkfifo', [pipe]).catch(() => {});
  const preload = join(folder, `stuck-${threads}.mjs`);
  // Later than everything the start itself reads.
  const open = `for (let at = 0; at < ${threads}; at++) open(${JSON.stringify(pipe)}, 'r', () => {});`;
  await writeFile(
    preload,
    `import { open } from 'node:fs';\nprocess.on('SIGUSR2', () => { ${open} process.stderr.write('stuck\\n'); });\n`,
  );
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--import', pathToFileURL(preload).href, MAIN, 'serve', '--port', '0'],
    {
      env: { ...process.env, OMG_HOME: join(folder, home), OMG_DRAIN_TIMEOUT: '1s', OMG_SOCKET: 'off' },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.stderr?.on('data', (data) => {
    said += data;
  });
  await expect.poll(() => said, { timeout: 30_000 }).toContain('Listening');
  child.kill('SIGUSR2');
  await expect.poll(() => said, { timeout: 30_000 }).toContain('stuck');
  return child;
}

test.runIf(process.platform === 'linux').each([1, 4])(
  'a daemon with %i threads stuck in the disk stops, by itself and at once',
  async (threads) => {
    const patient = await serveStuck(threads, `patient-${threads}`);
    const patientEnd = once(patient, 'exit');
    patient.kill('SIGTERM');
    const hasty = await serveStuck(threads, `hasty-${threads}`);
    const hastyEnd = once(hasty, 'exit');
    hasty.kill('SIGTERM');
    await sleep(200);
    hasty.kill('SIGTERM');
    // It may have come to its end but for the thread by then, where a signal ends it as any process.
    expect(['SIGKILL', 'SIGTERM']).toContain((await hastyEnd)[1]);
    expect((await patientEnd)[1]).toBe('SIGKILL');
  },
  120_000,
);
