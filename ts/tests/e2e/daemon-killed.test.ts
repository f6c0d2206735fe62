import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ollama } from 'ollama';
import { expect, onTestFinished, test } from 'vitest';
import type { ModelEntry } from '../../client/index.ts';
import { HubStandIn } from '../hub-stand-in/index.ts';
import { gone } from './process-gone.ts';

const MB = 1 << 20;
const DEMO = new URL('../../../npm/demo-model/demo.gguf', import.meta.url);
const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** `omg serve` as a process of its own, killed at the end of the test if it still runs. */
async function startDaemon(
  home: string,
  endpoint: string,
): Promise<{ process: ChildProcess; ended: Promise<unknown>; ollama: Ollama; url: string }> {
  const child = spawn(process.execPath, [CLI, 'serve', '--port', '0'], {
    env: { ...process.env, OMG_HOME: home, HF_ENDPOINT: endpoint, HF_HOME: join(home, 'hf'), NO_PROXY: '*' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const ended = once(child, 'exit');
  let output = '';
  const listening = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const url = /Listening on (http:\S+?)\.? /.exec(output)?.[1];
      if (url !== undefined) listening.resolve(url);
    });
  }
  child.once('exit', () => listening.reject(new Error(`the daemon ended: ${output}`)));
  const url = await listening.promise;
  return { process: child, ended, ollama: new Ollama({ host: url }), url };
}

async function runnerPid(url: string): Promise<number> {
  const response = await fetch(`${url}/ohmygpu/v1/models/demo`);
  const { runtime } = (await response.json()) as ModelEntry;
  if (!runtime?.pid) throw new Error('no runner');
  return runtime.pid;
}

test('kill -9 of the daemon amid a pull and an answer: no half model, no orphan, and the pull goes on (§14.14)', async () => {
  const home = await mkdtemp(join(tmpdir(), 'omg-e2e-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  await using standIn = await HubStandIn.start();
  // A model, since anything else would be refused, that is long enough to be killed in the middle.
  const weights = Buffer.concat([await readFile(DEMO), Buffer.alloc(48 * MB, 'padding')]);
  standIn.repository('owner/repo', { 'm-Q4_K_M.gguf': weights });
  standIn.fault({ host: 'storage', bytesPerSecond: 1_000_000, times: Infinity });

  const first = await startDaemon(home, standIn.url);
  const answer = await first.ollama.generate({
    model: 'demo',
    prompt: 'once',
    raw: true,
    stream: true,
    options: { temperature: 3, num_predict: 1500 },
  });
  const runner = await runnerPid(first.url);
  let arrived = 0;
  await expect(async () => {
    for await (const { completed = 0 } of await first.ollama.pull({ model: 'owner/repo', stream: true })) {
      arrived = completed;
      if (completed > 12 * MB) first.process.kill('SIGKILL');
    }
  }).rejects.toThrow();
  await first.ended;
  await gone(runner);
  // Cut off, or whole where the engine was faster.
  try {
    for await (const part of answer) expect(part.model).toBe('demo');
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
  }
  expect(arrived).toBeLessThan(weights.length);

  standIn.faults.clear();
  const served = standIn.bytesServed;
  const second = await startDaemon(home, standIn.url);
  const named = async () => (await second.ollama.list()).models.map(({ name }) => name);
  expect(await named()).not.toContain('owner/repo:latest');
  await second.ollama.pull({ model: 'owner/repo' });
  expect(await named()).toContain('owner/repo:latest');
  // Connections of the killed daemon may have been served a little longer.
  expect(standIn.bytesServed - served).toBeLessThan(weights.length - arrived + 8 * MB);
  second.process.kill('SIGTERM');
  await second.ended;
});
