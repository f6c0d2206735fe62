import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEMO_FILE, Installation, ROOT } from './omg.ts';

// The built program, the real daemon, the real engine and the bundled model, in the order in which a person would try them.

describe('a first hour with omg', () => {
  let omg: Installation;

  beforeAll(async () => {
    omg = await Installation.create();
  });
  afterAll(() => omg.dispose());

  test('--version needs nothing', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await omg.omg('--version')).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('without a daemon a command exits with 3 and names the fix', async () => {
    const { exitCode, stderr } = await omg.omg('list');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('omg serve -d');
  });

  test('without a daemon doctor asks the engine itself', async () => {
    const { findings } = (await omg.json('doctor')) as { findings: { name: string; status: string }[] };
    const status = Object.fromEntries(findings.map((finding) => [finding.name, finding.status]));
    expect(status).toMatchObject({ engine: 'ok', cpu: expect.stringMatching(/^(ok|warning)$/) });
  });

  test('serve -d starts the daemon and prints its address', async () => {
    const { exitCode, stdout } = await omg.omg('serve', '-d');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${omg.url}\n` });
    expect(await (await fetch(`${omg.url}/health`)).json()).toMatchObject({ status: 'ok' });
  });

  test('a second daemon for the same home exits with 7', async () => {
    const { exitCode, stderr } = await omg.omg('serve', '-d');
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/^error: A daemon already runs/);
    expect((await omg.omg('serve')).exitCode).toBe(7);
  });

  test('demo is there from the start and answers', async () => {
    expect((await omg.omg('list')).stdout).toMatch(/^demo:latest /m);
    const { exitCode, stdout, stderr } = await omg.omg('run', 'demo', 'What is the capital of France?');
    expect(stdout).toContain('Paris');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  test('the same seed gives the same answer', async () => {
    const ask = () => omg.omg('run', 'demo', 'Hello!', '--set', 'seed=5', '--set', 'temperature=1');
    const first = await ask();
    expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/\w/) });
    expect(await ask()).toEqual(first);
  });

  test('show, ps and stop tell about it', async () => {
    expect((await omg.omg('show', 'demo')).stdout).toMatch(/^ {2}quantization +Q8_0$/m);
    expect((await omg.omg('ps')).stdout).toMatch(/^demo:latest +running /m);
    const running = (await omg.json('ps')) as { runtime: { pid: number } }[];
    const pid = running[0]?.runtime.pid ?? 0;
    expect(isAlive(pid)).toBe(true);
    expect((await omg.omg('stop', 'demo')).exitCode).toBe(0);
    expect(isAlive(pid)).toBe(false);
    expect(await omg.json('ps')).toEqual([]);
  });

  test('import, cp and rm manage models', async () => {
    expect((await omg.omg('import', DEMO_FILE, '--name', 'mine', '--copy')).exitCode).toBe(0);
    expect((await omg.omg('cp', 'mine', 'yours')).exitCode).toBe(0);
    expect((await omg.omg('run', 'yours', 'What is the capital of France?')).stdout).toContain('Paris');
    expect((await omg.omg('rm', 'mine', 'yours')).exitCode).toBe(0);
    const names = ((await omg.json('list')) as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(['demo:latest']);
  });

  test('what cannot be imported is refused and leaves nothing', async () => {
    const { exitCode, stderr } = await omg.omg('import', join(ROOT, 'package.json'));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: /);
    expect(await omg.json('list')).toHaveLength(1);
  });

  test('an unknown model exits with 4, an unreachable hub with 5', async () => {
    expect((await omg.omg('run', 'nope', 'hi')).exitCode).toBe(4);
    expect((await omg.omg('pull', 'owner/repo')).exitCode).toBe(5);
  });

  test('doctor finds the engine', async () => {
    const { findings } = (await omg.json('doctor')) as { findings: { name: string; status: string }[] };
    expect(findings.find(({ name }) => name === 'engine')?.status).toBe('ok');
  });

  test('serve stop waits until it is gone', async () => {
    const { pid } = (await omg.json('serve', 'status')) as { pid: number };
    expect((await omg.omg('serve', 'stop')).exitCode).toBe(0);
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(join(omg.home, 'daemon.pid'))).toBe(false);
    expect(existsSync(join(omg.home, 'daemon.sock'))).toBe(false);
    expect((await omg.omg('serve', 'stop')).exitCode).toBe(3);
  });
});

test('a taken port exits with 7 and leaves nothing', async () => {
  const omg = await Installation.create();
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(omg.port, '127.0.0.1', resolve));
  try {
    const { exitCode, stderr } = await omg.omg('serve', '-d');
    expect(exitCode).toBe(7);
    expect(stderr).toContain(`127.0.0.1:${omg.port}`);
    expect(existsSync(join(omg.home, 'daemon.pid'))).toBe(false);
  } finally {
    squatter.close();
    await omg.dispose();
  }
});

test('npm start with a question prints one answer to stdout and leaves no daemon', async () => {
  const omg = await Installation.create();
  try {
    const { exitCode, stdout } = await omg.run([join(ROOT, 'scripts', 'start.mjs'), 'What is the capital of France?']);
    expect(stdout).toMatch(/^[^\n]*Paris[^\n]*\n$/);
    expect(exitCode).toBe(0);
    expect((await omg.omg('serve', 'status')).exitCode).toBe(3);
  } finally {
    await omg.dispose();
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
