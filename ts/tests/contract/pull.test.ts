import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ollama } from 'ollama';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Hub } from '../../sources/index.ts';
import { HubStandIn } from '../hub-stand-in/index.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

const MB = 1 << 20;
const WEIGHTS = Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(2 * MB, 'weights')]);

let standIn: HubStandIn;
let served: TestDaemon;
let ollama: Ollama;

beforeEach(async () => {
  standIn = await HubStandIn.start();
  standIn.repository('owner/repo', { 'm-Q4_K_M.gguf': WEIGHTS, 'm-Q8_0.gguf': 'GGUF eight' });
  served = await testDaemon({
    hub: async () =>
      new Hub({
        endpoint: standIn.url,
        proxy: { no: '*' },
        retry: { attempts: 2, baseDelayMs: 1 },
        transfer: { rangeThresholdBytes: 256 << 10, rangeBytes: 128 << 10, flushBytes: 16 << 10 },
      }),
  });
  ollama = new Ollama({ host: served.url });
});

afterEach(async () => {
  await served.stop();
  await standIn.close();
});

async function get(url: string) {
  return JSON.parse(await (await fetch(url)).text());
}

async function post(path: string, body: unknown): Promise<{ status: number; text: string }> {
  const response = await fetch(`${served.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, text: await response.text() };
}

test('ollama-js pulls, sees every byte counted, and finds the model', async () => {
  const totals: number[] = [];
  const completed: number[] = [];
  const statuses: string[] = [];
  for await (const line of await ollama.pull({ model: 'owner/repo', stream: true })) {
    statuses.push(line.status.replace(/[0-9a-f]{12}$/, '#'));
    if (line.digest !== undefined) totals.push(line.total);
    if (line.completed !== undefined) completed.push(line.completed);
  }
  expect([...new Set(statuses)]).toEqual([
    'pulling manifest',
    'pulling #',
    'verifying sha256 digest',
    'writing manifest',
    'success',
  ]);
  expect(new Set(totals)).toEqual(new Set([WEIGHTS.length]));
  expect(completed).toEqual([...completed].sort((a, b) => a - b));
  expect(completed.at(-1)).toBe(WEIGHTS.length);
  const { models } = await ollama.list();
  const pulled = models.filter(({ name }) => name.startsWith('owner/'));
  expect(pulled.map(({ name, size }) => [name, size])).toEqual([['owner/repo:latest', WEIGHTS.length]]);
  expect((await post('/api/pull', { model: 'owner/repo', stream: false })).text).toContain('"success"');
  expect(standIn.bytesServed).toBe(WEIGHTS.length);
});

test('a missing, a gated and a broken repository are errors of their own kind', async () => {
  standIn.repository('owner/gated', { 'm.gguf': 'GGUF' }, { gated: true });
  standIn.repository('owner/empty', { 'README.md': 'x' });
  standIn.repository('owner/unsafe', { '../../m-Q4_K_M.gguf': 'GGUF' });
  const failure = async (model: string) => {
    const { status, text } = await post('/v1/models/pull', { model, stream: true });
    const last = JSON.parse(text.trim().split('\n').at(-1) ?? '');
    return status === 200 ? last.code : [status, last.error.code];
  };
  expect(await failure('owner/nope')).toBe('repo_not_found');
  expect(await failure('owner/gated')).toBe('repo_gated');
  expect(await failure('owner/empty')).toBe('no_model_files');
  expect(await failure('owner/repo:Q2_K')).toBe('no_model_files');
  expect(await failure('owner/unsafe')).toBe('unsafe_file_name');
  // What is wrong without asking anybody has a status of its own.
  expect(await failure('a/b/c/d')).toEqual([400, 'invalid_model_name']);
  const { models } = await ollama.list();
  expect(models.filter(({ name }) => name.startsWith('owner/'))).toEqual([]);
});

test('a client that leaves stops the download, and the next one goes on from there', async () => {
  standIn.fault({ host: 'storage', bytesPerSecond: 100_000, times: Infinity });
  const pull = await ollama.pull({ model: 'owner/repo', stream: true });
  await expect(async () => {
    for await (const line of pull) if ((line.completed ?? 0) > MB / 4) pull.abort();
  }).rejects.toThrow();
  await sleep(500);
  const stoppedAt = standIn.bytesServed;
  expect(stoppedAt).toBeLessThan(WEIGHTS.length);
  await sleep(300);
  expect(standIn.bytesServed).toBe(stoppedAt);
  standIn.faults.clear();
  await ollama.pull({ model: 'owner/repo' });
  expect(standIn.bytesServed - stoppedAt).toBeLessThan(WEIGHTS.length - MB / 4 + 1);
});

test('a pull in the background is polled to its end, or cancelled', async () => {
  standIn.fault({ host: 'storage', bytesPerSecond: 100_000, times: Infinity });
  const started = JSON.parse((await post('/v1/models/pull', { model: 'owner/repo' })).text);
  expect(started).toMatchObject({ id: expect.stringMatching(/^pull_/), model: 'owner/repo', status: 'downloading' });
  const url = `${served.url}/v1/models/pull/${started.id}`;
  await expect.poll(async () => (await get(url)).completed).toBeGreaterThan(0);
  await fetch(url, { method: 'DELETE' });
  expect(await get(url)).toMatchObject({ status: 'cancelled' });

  standIn.faults.clear();
  const again = JSON.parse((await post('/v1/models/pull', { model: 'owner/repo' })).text);
  const state = async () => (await get(`${served.url}/v1/models/pull/${again.id}`)).status;
  await expect.poll(state, { timeout: 5_000 }).toBe('success');
  const listed = await get(`${served.url}/v1/models`);
  expect(listed.data.map(({ id }: { id: string }) => id)).toContain('owner/repo');
});

test('a pull of what is there already is a success at once', async () => {
  await ollama.pull({ model: 'owner/repo' });
  const { status, text } = await post('/v1/models/pull', { model: 'owner/repo' });
  expect([status, JSON.parse(text)]).toEqual([
    200,
    expect.objectContaining({ status: 'success', model: 'owner/repo' }),
  ]);
  const unknown = await post('/v1/models/pull', { model: 'owner/nope' });
  expect([unknown.status, JSON.parse(unknown.text).error?.code]).toEqual([202, 'repo_not_found']);
});

test('another quantisation is another model, and deleting one keeps the other', async () => {
  await ollama.pull({ model: 'owner/repo' });
  await ollama.pull({ model: 'owner/repo:q8_0' });
  const names = async () =>
    (await ollama.list()).models.map(({ name }) => name).filter((name) => name.startsWith('owner/'));
  expect((await names()).sort()).toEqual(['owner/repo:Q8_0', 'owner/repo:latest']);
  await ollama.delete({ model: 'owner/repo' });
  expect(await names()).toEqual(['owner/repo:Q8_0']);
  const { artifacts } = JSON.parse(
    await readFile(`${served.config.paths.models}/manifests/owner+repo=q8_0.json`, 'utf8'),
  );
  expect(artifacts).toMatchObject([{ filename: 'm-Q8_0.gguf' }]);
});
