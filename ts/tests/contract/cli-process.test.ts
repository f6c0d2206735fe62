import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

// What only a process of its own can show: signals, and a reader that goes away.

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');

let server: TestDaemon;

beforeAll(async () => {
  server = await testDaemon({
    script: { tokenMs: 20, reply: () => Array.from({ length: 500 }, (_, at) => `word${at} `) },
  });
  await server.install('demo');
});
afterAll(() => server.stop());

function omg(args: string[]): ChildProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    env: { ...process.env, OMG_HOME: server.config.paths.home, OMG_PORT: String(server.daemon.endpoint.port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ended(child: ChildProcess): Promise<{ exitCode: unknown; stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  child.stdout?.on('data', (data) => {
    texts.stdout += data;
  });
  child.stderr?.on('data', (data) => {
    texts.stderr += data;
  });
  const [exitCode] = await once(child, 'close');
  return { exitCode, ...texts };
}

test('Ctrl-C ends an answer with exit code 130, quietly, and the model stops', async () => {
  const child = omg(['run', 'demo', 'go on']);
  const result = ended(child);
  await once(child.stdout ?? child, 'data');
  child.kill('SIGINT');
  const { exitCode, stderr } = await result;
  expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: '' });
  await expect.poll(() => server.engine.generations.at(-1)?.state).toBe('cancelled');
});

test('a reader that has seen enough is no error, and the model stops', async () => {
  const child = omg(['run', 'demo', 'go on']);
  const exited = once(child, 'exit');
  await once(child.stdout ?? child, 'data');
  child.stdout?.destroy();
  expect((await exited)[0]).toBe(0);
  await expect.poll(() => server.engine.generations.at(-1)?.state).toBe('cancelled');
});

test('logs -f goes on until Ctrl-C', async () => {
  const child = omg(['logs', '-f', '-n', '1']);
  const result = ended(child);
  await once(child.stdout ?? child, 'data');
  await server.client.model('nope').catch(() => {});
  await expect.poll(async () => child.exitCode).toBeNull();
  await new Promise((resolve) => setTimeout(resolve, 500));
  child.kill('SIGINT');
  const { exitCode, stdout } = await result;
  expect(stdout).toContain('code=model_not_found');
  expect(exitCode).toBe(0);
});
