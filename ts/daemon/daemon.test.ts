import { spawn } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Client } from '../client/index.ts';
import { loadConfig } from '../config/index.ts';
import { StandInEngine } from '../engine/index.ts';
import { type TestDaemon, testDaemon } from '../tests/contract/serve.ts';
import { startDaemon } from './daemon.ts';

let served: TestDaemon | undefined;
afterEach(async () => {
  await served?.stop();
  served = undefined;
});

async function startAgain(env: Record<string, string>): Promise<unknown> {
  const reload = () => loadConfig({ env, cwd: '/' });
  const parts = { engine: new StandInEngine(), hub: () => Promise.reject(new Error('no hub')) };
  return startDaemon({ config: await reload(), reload, foreground: false, parts }).catch((error: unknown) => error);
}

test('listens on TCP and on a socket that only the owner can open, and leaves nothing behind', async () => {
  served = await testDaemon();
  const { socket = '', pidFile, home } = served.config.paths;
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
  expect(await readFile(pidFile, 'utf8')).toBe(`${process.pid}\n`);
  expect((await new Client([{ socketPath: socket }]).health()).status).toBe('ok');
  expect((await served.client.health()).status).toBe('ok');
  await served.daemon.stop();
  expect((await readdir(home)).filter((name) => name.startsWith('daemon'))).toEqual([]);
});

test('a second daemon of the same home is refused, and the first lives on', async () => {
  served = await testDaemon();
  expect(await startAgain({ OMG_HOME: served.config.paths.home, OMG_PORT: '0' })).toMatchObject({
    code: 'daemon_running',
    hint: expect.stringContaining('serve stop'),
  });
  expect((await served.client.health()).status).toBe('ok');
});

test('a taken port is named with who has it, and the pid file is given back', async () => {
  served = await testDaemon();
  const home = join(served.config.paths.home, 'second');
  const port = String(served.daemon.endpoint.port);
  expect(await startAgain({ OMG_HOME: home, OMG_PORT: port })).toMatchObject({
    code: 'port_in_use',
    message: expect.stringContaining('omg daemon'),
    hint: expect.stringContaining('--port'),
  });
  const silent = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const address = silent.address();
  const taken = String(typeof address === 'object' ? address?.port : 0);
  expect(await startAgain({ OMG_HOME: home, OMG_PORT: taken })).toMatchObject({
    code: 'port_in_use',
    message: expect.stringContaining('Another program'),
  });
  silent.close();
  expect(await readdir(home)).not.toContain('daemon.pid');
});

test('what a killed daemon left is cleared: its pid file and its socket', async () => {
  served = await testDaemon();
  const { home, pidFile, socket = '' } = served.config.paths;
  await served.daemon.stop();
  // A process that listens on the socket and is killed leaves the file; nobody answers there any more.
  const script = `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await writeFile(pidFile, `${child.pid}\n`);
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  expect((await stat(socket)).isSocket()).toBe(true);
  served = await testDaemon({ home });
  expect((await new Client([{ socketPath: socket }]).health()).status).toBe('ok');
});

test('a file in the place of the socket is not removed', async () => {
  served = await testDaemon();
  const { home, socket = '' } = served.config.paths;
  await served.daemon.stop();
  await writeFile(socket, 'mine');
  expect(await startAgain({ OMG_HOME: home, OMG_PORT: '0' })).toMatchObject({ code: 'conflict' });
  expect(await readFile(socket, 'utf8')).toBe('mine');
});

test('beyond this machine a key is asked for', async () => {
  expect(await startAgain({ OMG_HOME: '/nonexistent/home', OMG_HOST: '0.0.0.0' })).toMatchObject({
    code: 'invalid_config',
    hint: expect.stringContaining('OMG_API_KEY'),
  });
});

test('a stopping daemon refuses new requests, finishes those under way, and tells who stopped', async () => {
  served = await testDaemon({ script: { reply: 'one two three', tokenMs: 100 }, env: { OMG_DRAIN_TIMEOUT: '10s' } });
  await served.install('tiny');
  const pieces: string[] = [];
  let refused: { status: number; retryAfter: string | null } | undefined;
  for await (const piece of served.client.chat({ model: 'tiny', messages: [{ role: 'user', content: 'x' }] })) {
    if (piece.type === 'content') pieces.push(piece.text);
    if (pieces.length === 1 && refused === undefined) {
      await served.client.shutdown();
      const reply = await fetch(`${served.url}/api/tags`);
      refused = { status: reply.status, retryAfter: reply.headers.get('retry-after') };
    }
  }
  expect(pieces.join('')).toBe('one two three');
  expect(refused).toEqual({ status: 503, retryAfter: '5' });
  await served.daemon.stopped;
  await expect(served.client.health()).rejects.toMatchObject({ code: 'daemon_not_running' });
});

test('answers that do not end in time are cut off with an error, not silently', async () => {
  served = await testDaemon({ script: { reply: 'a b c d', tokenMs: 60_000 }, env: { OMG_DRAIN_TIMEOUT: '50ms' } });
  await served.install('tiny');
  const answer = fetch(`${served.url}/api/chat`, {
    method: 'POST',
    body: JSON.stringify({ model: 'tiny', messages: [{ role: 'user', content: 'x' }] }),
  });
  await expect.poll(() => served?.engine.generations.length).toBe(1);
  await served.daemon.stop();
  const reply = await answer;
  const last = (await reply.text()).trim().split('\n').at(-1) ?? '';
  expect(JSON.parse(last)).toHaveProperty('error');
});

test('the log holds no prompt and no key', async () => {
  served = await testDaemon({
    script: { reply: 'the answer' },
    env: { OMG_API_KEY: 'sk-very-secret', OMG_DEBUG: '1' },
  });
  await served.install('tiny');
  for await (const _ of served.client.chat({
    model: 'tiny',
    messages: [{ role: 'user', content: 'a private question' }],
  }));
  const log = await readFile(served.config.paths.logFile, 'utf8');
  expect(log).toContain('"route":"/v1/chat/completions"');
  expect(log).not.toMatch(/private question|the answer|sk-very-secret/);
});
