import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DaemonEvent } from '../../client/index.ts';
import { maySet, SETTINGS, type SettingKey, specOf, writeSettings } from '../../config/index.ts';
import type { PullProgress } from '../../sources/index.ts';
import { readJson } from './read-json.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;
let transfers: { model: string; signal: AbortSignal | undefined; finish: () => void }[];

const file = (completedBytes: number) => ({
  filename: 'm.gguf',
  sha256: 'c'.repeat(64),
  size: 100,
  completedBytes,
  cached: false,
});
const at = (completedBytes: number): PullProgress => ({
  status: 'downloading',
  totalBytes: 100,
  completedBytes,
  files: [file(completedBytes)],
});

beforeEach(async () => {
  transfers = [];
  served = await testDaemon({
    script: { reply: 'hi there', loadMs: 30 },
    hub: async () => ({
      resolveRemote: () => Promise.reject(new Error('nothing is asked of the hub')),
      search: async (query, limit) => [
        { id: `${query}/${limit}`, downloads: 1, likes: 2, formats: ['gguf'], gated: false },
      ],
      pull: (request, { library, signal, onProgress }) =>
        new Promise((resolve, reject) => {
          const model = typeof request === 'string' ? request : request.model;
          onProgress?.(at(40));
          const finish = (): void => {
            onProgress?.(at(100));
            library.resolve('tiny').then(resolve, reject);
          };
          signal?.addEventListener('abort', () => reject(signal.reason));
          transfers.push({ model, signal, finish });
        }),
    }),
  });
  await served.install('tiny');
});
afterEach(() => served.stop());

const send = (method: string, path: string, body?: object) =>
  fetch(served.url + path, { method, body: body === undefined ? undefined : JSON.stringify(body) });

interface Pull {
  id: string;
  status: string;
  completed: number;
  total: number;
  files: object[];
}
const pull = async (reply: Response) => (await reply.json()) as Pull;

test('a pull is started, polled, and done; its route wins over model ids (§10)', async () => {
  const started = await send('POST', '/v1/models/pull', { model: 'owner/repo' });
  expect(started.status).toBe(202);
  const { id, status } = await pull(started);
  expect([id.startsWith('pull_'), status]).toEqual([true, 'downloading']);
  await expect.poll(async () => (await pull(await send('GET', `/v1/models/pull/${id}`))).completed).toBe(40);
  expect((await pull(await send('POST', '/v1/models/pull', { model: 'owner/repo' }))).id).toBe(id);
  transfers[0]?.finish();
  await expect.poll(async () => (await pull(await send('GET', `/v1/models/pull/${id}`))).status).toBe('success');
  expect(transfers).toHaveLength(1);
});

test('a pull is cancelled; an unknown one is 404', async () => {
  const { id } = await pull(await send('POST', '/v1/models/pull', { model: 'owner/repo' }));
  await expect.poll(() => transfers.length).toBe(1);
  expect((await pull(await send('DELETE', `/v1/models/pull/${id}`))).status).toBe('cancelled');
  expect(transfers[0]?.signal?.aborted).toBe(true);
  const unknown = await send('GET', '/v1/models/pull/pull_none');
  expect([unknown.status, (await readJson(unknown)).error.code]).toEqual([404, 'not_found']);
});

test('two streamed pulls share one transfer, which ends with the last waiter (§14.9)', async () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const streams = [first, second].map(async ({ signal }) => {
    const lines: string[] = [];
    try {
      for await (const { status } of served.client.pull({ model: 'owner/repo' }, signal)) lines.push(status);
    } catch {
      lines.push('left');
    }
    return lines;
  });
  await expect.poll(() => transfers.length).toBe(1);
  await expect.poll(async () => (await served.client.status()).models.downloading).toEqual(['owner/repo']);
  first.abort();
  expect((await streams[0])?.at(-1)).toBe('left');
  expect(transfers[0]?.signal?.aborted).toBe(false);
  second.abort();
  await expect.poll(() => transfers[0]?.signal?.aborted).toBe(true);
  expect(transfers).toHaveLength(1);
});

test('a streamed pull has its lines in order, digests and totals in each file line (§14.9)', async () => {
  const lines: object[] = [];
  for await (const line of served.client.pull({ model: 'owner/repo' })) {
    lines.push(line);
    if ('completed' in line) transfers[0]?.finish();
  }
  const digest = `sha256:${'c'.repeat(64)}`;
  expect(lines).toEqual([
    { status: 'pulling manifest' },
    { status: 'pulling cccccccccccc', digest, total: 100, completed: 40, file: 'm.gguf' },
    { status: 'pulling cccccccccccc', digest, total: 100, completed: 100, file: 'm.gguf' },
    { status: 'verifying sha256 digest' },
    { status: 'writing manifest' },
    { status: 'success' },
  ]);
});

test('a model is started, seen, and stopped', async () => {
  const later = await send('POST', '/ohmygpu/v1/models/tiny/start', { keep_alive: '10m' });
  expect(later.status).toBe(202);
  const entry = await served.client.start('tiny', { context_length: 64 });
  expect(entry).toMatchObject({
    state: 'running',
    runtime: { context_length: expect.any(Number), active_requests: 0 },
  });
  const { models } = (await (await send('GET', '/api/ps')).json()) as { models: object[] };
  expect(models).toMatchObject([
    { name: 'tiny:latest', size_vram: 0, expires_at: expect.stringMatching(/Z$/), context_length: expect.any(Number) },
  ]);
  expect(await served.client.stop('tiny')).toMatchObject({ stopped: true });
  expect(await served.client.stop('tiny')).toMatchObject({ stopped: false });
  expect((await send('POST', '/ohmygpu/v1/models/nope/start?wait=true')).status).toBe(404);
  expect((await send('POST', '/ohmygpu/v1/models/tiny/dance')).status).toBe(404);
});

test('a stop with a timeout ends the answers that take longer', async () => {
  const forever = await testDaemon({ script: { reply: () => Array.from({ length: 3000 }, () => 'on '), tokenMs: 50 } });
  try {
    await forever.install('tiny');
    const stream = await fetch(`${forever.url}/api/generate`, {
      method: 'POST',
      body: '{"model":"tiny","prompt":"go"}',
    });
    const reader = stream.body?.getReader();
    await reader?.read();
    expect(await forever.client.stop('tiny', 0)).toMatchObject({ stopped: true });
    let text = '';
    for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
      text += new TextDecoder().decode(next.value);
    }
    expect(JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ code: 'cancelled' });
    expect(forever.engine.generations.at(-1)?.state).toBe('cancelled');
  } finally {
    await forever.stop();
  }
});

test('events come over SSE and over a WebSocket', async () => {
  const controller = new AbortController();
  const events = served.client.events(controller.signal);
  const first = events.next();
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ohmygpu/v1/events`);
  const heard: DaemonEvent[] = [];
  socket.onmessage = ({ data }) => heard.push(JSON.parse(String(data)) as DaemonEvent);
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  await served.client.start('tiny');
  expect((await first).value).toMatchObject({
    type: 'model.loading',
    model: 'tiny:latest',
    time: expect.stringMatching(/Z$/),
  });
  await expect
    .poll(() => heard.map(({ type }) => type))
    .toEqual(expect.arrayContaining(['model.loading', 'model.loaded']));
  controller.abort();
  const closed = new Promise((resolve) => {
    socket.onclose = resolve;
  });
  await served.daemon.stop();
  await closed;
});

test('a WebSocket from a foreign page is refused', async () => {
  const reply = await fetch(`${served.url}/ohmygpu/v1/events`, { headers: { origin: 'http://evil.test' } });
  expect(reply.status).toBe(403);
});

test('settings are read without secrets, changed with checks, and say what needs a restart', async () => {
  await writeSettings(served.config.paths.configFile, { 'hub.token': 'hf_secret' });
  const change = await send('PATCH', '/ohmygpu/v1/config', {
    'models.threads': 2,
    api: { ollama_version: '0.40.0' },
  });
  const body = (await change.json()) as { config: Record<string, unknown>; restart_required: string[] };
  expect([body.config['hub.token'], body.restart_required]).toEqual(['********', ['models.threads']]);
  expect(await (await send('GET', '/api/version')).json()).toEqual({ version: '0.40.0' });
  const unknown = await send('PATCH', '/ohmygpu/v1/config', { 'api.olama_version': 'x' });
  expect([unknown.status, (await readJson(unknown)).error]).toMatchObject([400, { code: 'invalid_config' }]);
  expect(await (await send('GET', '/ohmygpu/v1/config')).text()).not.toContain('hf_secret');
});

/** The answer to a change of settings that the owner asks for. */
function ownerPatch(changes: object): Promise<{ status: number | undefined; body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const target = {
      socketPath: served.config.paths.socket,
      path: '/ohmygpu/v1/config',
      method: 'PATCH',
      agent: false,
    };
    request(target, async (reply) => {
      let text = '';
      for await (const chunk of reply) text += String(chunk);
      resolve({ status: reply.statusCode, body: JSON.parse(text) as Record<string, unknown> });
    })
      .on('error', reject)
      .end(JSON.stringify(changes));
  });
}

/** A value that each kind of setting takes. */
const VALUES = {
  integer: 7,
  duration: '7s',
  boolean: true,
  list: ['a'],
  url: 'http://127.0.0.1:9',
  path: '/x',
  secret: 'x',
};
const ownersOnly = (Object.keys(SETTINGS) as SettingKey[]).filter(
  (key) => specOf(key).file !== false && !maySet('manage', key),
);

test('what decides who comes in and where things come from is on the list of the owner', () => {
  const trusted = /^(server|hub|update|engines)\.|^models\.(dir|auto_download)$|^log\.file$/;
  const keys = (Object.keys(SETTINGS) as SettingKey[]).filter((key) => specOf(key).file !== false);
  expect(ownersOnly).toEqual(keys.filter((key) => trusted.test(key)));
  for (const key of keys.filter((key) => !ownersOnly.includes(key))) {
    expect([key, specOf(key).kind]).not.toEqual([key, expect.stringMatching(/^(path|url|secret)$/)]);
  }
});

test.each(ownersOnly)('%s is not set over TCP, alone or among others, and is by the owner', async (key) => {
  const spec = specOf(key);
  const { kind } = spec;
  const other = 'of' in spec ? spec.of.at(-1) : 'x';
  const value = kind in VALUES ? VALUES[kind as keyof typeof VALUES] : other;
  const [section = '', name = ''] = key.split('.');
  const asTable = { [section]: { [name]: value } };
  for (const changes of [{ [key]: value }, { [key]: null }, { 'log.level': 'debug', [key]: value }, asTable]) {
    const refused = await send('PATCH', '/ohmygpu/v1/config', changes);
    const { error } = await readJson(refused);
    expect([refused.status, error]).toMatchObject([403, { code: 'forbidden', hint: expect.stringContaining(key) }]);
    expect(error.message).toContain(key);
  }
  expect(existsSync(served.config.paths.configFile)).toBe(false);
  // Which engine loads a model is read at each load.
  const restart = key === 'engines.default' ? [] : [key];
  expect(await ownerPatch({ [key]: value })).toMatchObject({ status: 200, body: { restart_required: restart } });
  expect(readFileSync(served.config.paths.configFile, 'utf8')).toContain(name);
});

test('a key of all scopes is not the owner', async () => {
  await served.stop();
  served = await testDaemon({ env: { OMG_API_KEY: 'everything' } });
  const reply = await fetch(`${served.url}/ohmygpu/v1/config`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer everything' },
    body: JSON.stringify({ 'hub.endpoint': 'http://127.0.0.1:9' }),
  });
  expect(reply.status).toBe(403);
  expect(existsSync(served.config.paths.configFile)).toBe(false);
});

test('settings that nest without end, or have endless names, are refused as unknown', async () => {
  const deep = JSON.parse(`${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`) as object;
  for (const changes of [deep, { ['x'.repeat(200_000)]: 1 }]) {
    const refused = await send('PATCH', '/ohmygpu/v1/config', changes);
    const text = await refused.text();
    expect([refused.status, text.length < 2000]).toEqual([400, true]);
  }
});

test('status, hardware, search, gc', async () => {
  expect(await served.client.status()).toMatchObject({
    status: 'ok',
    pid: process.pid,
    port: served.daemon.endpoint.port,
    models: { installed: expect.any(Number), running: [], downloading: [] },
  });
  expect(await served.client.hardware()).toMatchObject({
    acceleration: 'cpu',
    gpus: [],
    memory: { total: expect.any(Number) },
  });
  expect(await served.client.search('phi-2', 7)).toMatchObject([{ id: 'phi-2/7' }]);
  expect((await send('GET', '/ohmygpu/v1/search?q=')).status).toBe(400);
  expect(await served.client.gc({ dryRun: true })).toEqual({
    removed: [],
    freed_bytes: 0,
    unfinished: { count: 0, bytes: 0 },
  });
});

test('importing what is no model leaves nothing behind', async () => {
  await expect(served.client.importModel('/nonexistent/model.gguf')).rejects.toMatchObject({
    code: expect.stringMatching(/not_found|invalid/),
  });
});

test('an import tells how far it is, and an alias stands for its model until it is taken out', async () => {
  const path = join(served.config.paths.home, 'big.gguf');
  await writeFile(path, `GGUF ${'x'.repeat(100_000)}`);
  const lines: object[] = [];
  for await (const line of served.client.importing(path, { name: 'big' })) lines.push(line);
  expect(lines.at(-1)).toMatchObject({ status: 'success', model: { name: 'big:latest' } });
  expect(lines).toContainEqual({ status: 'reading', completed: 100_005, total: 100_005 });
  expect(await served.client.checkModel(path)).toMatchObject({ family: 'llama', memory: { fits: true } });

  await served.client.setAlias('huge', 'big');
  expect(await served.client.aliases()).toEqual([{ alias: 'huge', target: 'big' }]);
  expect((await served.client.model('huge')).name).toBe('big:latest');
  await served.client.removeAlias('huge');
  await expect(served.client.removeAlias('huge')).rejects.toMatchObject({ code: 'not_found' });
  await expect(served.client.model('huge')).rejects.toMatchObject({ code: 'model_not_found' });
});
