import { existsSync, readdirSync, rmSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { modelPath } from '../library/index.ts';
import type { Fault } from '../tests/hub-stand-in/index.ts';
import { HubStandIn } from '../tests/hub-stand-in/index.ts';
import { Hub } from './hub.ts';
import { fakeGguf, type TestHub, testHub } from './test-hub.ts';
import { QUICK_RETRIES } from './test-settings.ts';

const MB = 1 << 20;
const SLACK = 256 << 10;

async function expectNothingInstalled({ library }: TestHub): Promise<void> {
  expect(await library.list()).toEqual([]);
  expect(await readdir(library.layout.blobs).catch(() => [])).toEqual([]);
  expect(await readdir(library.layout.files).catch(() => [])).toEqual([]);
}

/** A pull of one file that meets faults and is whole in the end. Returns the bytes that were sent for it. */
async function pullsThrough(faults: Fault[], size = MB): Promise<number> {
  const context = await testHub({ hub: { stallTimeoutMs: 300 } });
  const bytes = fakeGguf(size);
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  for (const fault of faults) context.standIn.fault(fault);
  const record = await context.pull('o/r');
  expect((await readFile(modelPath(record))).equals(bytes)).toBe(true);
  return context.standIn.bytesServed;
}

test.each<[string, Fault[]]>([
  [
    'cut connections',
    [
      { host: 'storage', cutAfterBytes: 30_000, times: 2 },
      { host: 'storage', cutAfterBytes: 0, after: 3 },
    ],
  ],
  ['a hub that cuts before it answers', [{ host: 'hub', cutAfterBytes: 0, times: 2 }]],
  ['an answer that stalls', [{ host: 'storage', stallAfterBytes: 20_000, after: 2 }]],
  ['an answer that never begins', [{ host: 'storage', delayMs: 1000, after: 1 }]],
  [
    'server errors',
    [
      { host: 'hub', status: 503 },
      { host: 'storage', status: 500, times: 2 },
      { host: 'storage', status: 502, after: 4 },
    ],
  ],
  ['addresses of the storage that end', [{ host: 'storage', status: 403, after: 3, times: 2 }]],
  ['a range that is not the one asked for', [{ host: 'storage', wrongRange: true, after: 2 }]],
  ['a length that is too short', [{ host: 'storage', contentLength: 10, after: 1 }]],
  ['a length that is too long', [{ host: 'storage', contentLength: MB, after: 1 }]],
])('%s are survived, and little is sent twice', async (_, faults) => {
  expect(await pullsThrough(faults)).toBeLessThan(MB + SLACK);
});

test('a host that knows no ranges is read in one go', async () => {
  expect(await pullsThrough([{ host: 'storage', ignoreRange: true, times: Infinity }])).toBeLessThan(MB + SLACK);
});

test('a host that knows no ranges and cuts the connection is read from the start again', async () => {
  const sent = await pullsThrough([
    { host: 'storage', ignoreRange: true, cutAfterBytes: 500_000 },
    { host: 'storage', ignoreRange: true, times: Infinity },
  ]);
  expect(sent).toBeLessThan(2 * MB);
});

test('as long as bytes arrive, any number of cuts is survived', async () => {
  const sent = await pullsThrough([{ host: 'storage', cutAfterBytes: 40_000, times: 40 }]);
  expect(sent).toBeLessThan(2 * MB);
});

test('Retry-After is honoured', async () => {
  const context = await testHub();
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(9) });
  context.standIn.fault({ host: 'hub', status: 429, headers: { 'retry-after': '1' } });
  const before = performance.now();
  await context.pull('o/r');
  expect(performance.now() - before).toBeGreaterThan(900);
  context.standIn.fault({ host: 'hub', path: /api/, status: 429, headers: { 'retry-after': '3600' } });
  await expect(context.pull('o/r')).rejects.toMatchObject({ code: 'hub_error', detail: { status: 429 } });
});

test('a hub that keeps failing is given up on, and what has arrived is used by the next pull', async () => {
  const context = await testHub();
  const bytes = fakeGguf(MB);
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  context.standIn.fault({ host: 'storage', status: 500, after: 8, times: Infinity });
  await expect(context.pull('o/r')).rejects.toMatchObject({ code: 'hub_error', detail: { status: 500 } });
  await expectNothingInstalled(context);
  context.standIn.faults.clear();
  const record = await context.pull('o/r');
  expect((await readFile(modelPath(record))).equals(bytes)).toBe(true);
  expect(context.standIn.bytesServed).toBe(MB);
});

test('a stopped pull leaves what has arrived, and the next transfers only the rest', async () => {
  const context = await testHub();
  const bytes = fakeGguf(MB);
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  context.standIn.fault({ host: 'storage', bytesPerSecond: 500_000, times: Infinity });
  const stop = new AbortController();
  const pull = context.hub.pull('o/r', {
    library: context.library,
    signal: stop.signal,
    onProgress: ({ completedBytes }) => completedBytes > MB / 2 && stop.abort(),
  });
  await expect(pull).rejects.toMatchObject({ code: 'cancelled' });
  await expectNothingInstalled(context);
  expect((await context.library.gc()).removed).toEqual([]);
  context.standIn.faults.clear();
  const already = context.standIn.bytesServed;
  const record = await context.pull('o/r');
  expect((await readFile(modelPath(record))).equals(bytes)).toBe(true);
  expect(context.standIn.bytesServed - already).toBeLessThan(MB / 2);
  expect(context.standIn.bytesServed).toBeLessThan(MB + SLACK);
});

test('a pull that is stopped before it begins, or while it waits for the hub, ends at once', async () => {
  const context = await testHub();
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(9) });
  await expect(context.pull('o/r', AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  context.standIn.fault({ host: 'hub', delayMs: 5_000 });
  const before = performance.now();
  await expect(context.pull('o/r', AbortSignal.timeout(50))).rejects.toMatchObject({ code: 'cancelled' });
  expect(performance.now() - before).toBeLessThan(2_000);
});

test('wrong bytes are fetched once more, then refused, and nothing of them stays', async () => {
  const context = await testHub();
  const bytes = fakeGguf(MB);
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  context.standIn.fault({ host: 'storage', wrongContent: true, after: 3 });
  expect((await readFile(modelPath(await context.pull('o/r')))).equals(bytes)).toBe(true);
  expect(context.standIn.bytesServed).toBe(2 * MB);

  const other = await testHub();
  other.standIn.repository('o/r', { 'config.json': '{}', 'model.safetensors': Buffer.alloc(MB, 7) });
  other.standIn.fault({ host: 'storage', wrongContent: true, times: Infinity });
  await expect(other.pull('o/r')).rejects.toMatchObject({ code: 'checksum_mismatch' });
  expect(await other.library.list()).toEqual([]);
  expect(await readdir(other.library.layout.partial)).toEqual([]);
});

test('wrong bytes of a file that is not in LFS are found by its git hash', async () => {
  const context = await testHub();
  context.standIn.repository('o/r', { 'config.json': '{"right":1}', 'model.safetensors': Buffer.alloc(9, 7) });
  context.standIn.fault({ host: 'hub', path: /resolve-cache.*config\.json/, wrongContent: true, times: Infinity });
  await expect(context.pull('o/r')).rejects.toMatchObject({
    code: 'checksum_mismatch',
    detail: { filename: 'config.json' },
  });
});

test('a file that changes on the hub after a stop is not mixed with the old one', async () => {
  const context = await testHub();
  const repository = context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(MB) });
  context.standIn.fault({ host: 'storage', status: 500, after: 6, times: Infinity });
  await expect(context.pull('o/r')).rejects.toMatchObject({ code: 'hub_error' });
  context.standIn.faults.clear();
  const changed = fakeGguf(MB);
  repository.commit('main', { 'm-Q4_K_M.gguf': changed });
  expect((await readFile(modelPath(await context.pull('o/r')))).equals(changed)).toBe(true);
});

test('a file that changes while it is pulled is pulled as it is now', async () => {
  const context = await testHub();
  const old = fakeGguf(MB);
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': old });
  // The ETag of another file at the commit that was told: a hub that rewrote its history.
  context.standIn.fault({
    host: 'hub',
    path: /\/resolve\//,
    status: 302,
    headers: { location: `${context.standIn.storageUrl}/objects/x`, 'x-linked-etag': `"${'0'.repeat(64)}"` },
  });
  context.standIn.fault({ host: 'storage', path: /objects\/x/, status: 200, body: 'other' });
  expect((await readFile(modelPath(await context.pull('o/r')))).equals(old)).toBe(true);
  expect(context.standIn.requests.filter(({ path }) => path.startsWith('/api/models/o/r/revision')).length).toBe(2);
});

test('a partial file or journal that was tampered with does not matter', async () => {
  const context = await testHub();
  const bytes = fakeGguf(MB);
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  context.standIn.fault({ host: 'storage', status: 500, after: 8, times: Infinity });
  await expect(context.pull('o/r')).rejects.toThrow();
  context.standIn.faults.clear();
  const files = await readdir(context.library.layout.partial);
  const journal = files.find((file) => file.endsWith('.journal')) ?? '';
  await writeFile(
    `${context.library.layout.partial}/${journal}`,
    `${MB}\n0 ${MB}\n5 -3\nnonsense\n99 9999999999999\n12 1`,
  );
  expect((await readFile(modelPath(await context.pull('o/r')))).equals(bytes)).toBe(true);
});

test('the token goes to the hub and to nobody else', async () => {
  const context = await testHub({ hub: { token: 'hf_secret' } });
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(MB) }, { gated: true, readers: ['hf_secret'] });
  await context.pull('o/r');
  const { requests } = context.standIn;
  const to = (host: string) =>
    new Set(requests.filter((request) => request.host === host).map(({ authorization }) => authorization));
  expect(to('hub')).toEqual(new Set(['Bearer hf_secret']));
  expect(to('storage')).toEqual(new Set([undefined]));
});

test.each([
  ['without a token', undefined, /then set HF_TOKEN/],
  ['with a token of somebody else', 'hf_other', /with the account of your HF_TOKEN/],
])('a gated repository %s says what to do', async (_, token, hint) => {
  const context = await testHub({ hub: { token } });
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(9) }, { gated: true, readers: ['hf_right'] });
  const error = await context.pull('o/r').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'repo_gated', detail: { url: `${context.standIn.url}/o/r` } });
  expect((error as { hint: string }).hint).toMatch(hint);
  await expectNothingInstalled(context);
});

test('missing repositories, revisions and private ones are told apart from gated ones', async () => {
  const context = await testHub();
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(9) });
  context.standIn.repository('o/private', { 'm-Q4_K_M.gguf': fakeGguf(9) }, { private: true });
  await expect(context.pull('o/nope')).rejects.toMatchObject({ code: 'repo_not_found', status: 404 });
  await expect(context.pull('o/private')).rejects.toMatchObject({ code: 'repo_not_found', hint: /HF_TOKEN/ });
  await expect(context.pull('o/r@nope')).rejects.toMatchObject({
    code: 'repo_not_found',
    message: /no revision "nope"/,
  });
  await expect(context.pull('no-such-alias')).rejects.toMatchObject({ code: 'repo_not_found', hint: /omg search/ });
  await expect(context.pull('ollama://llama3')).rejects.toMatchObject({ code: 'unsupported' });
  await expect(context.pull('example.com/o/r')).rejects.toMatchObject({ code: 'unsupported' });
  await expect(context.pull('a/b/c/d')).rejects.toMatchObject({ code: 'invalid_model_name' });
});

test.each([
  '../evil-Q4_K_M.gguf',
  'a/../../evil-Q4_K_M.gguf',
  '/etc/evil-Q4_K_M.gguf',
  'C:/evil-Q4_K_M.gguf',
  'a\\evil-Q4_K_M.gguf',
  'nul.Q4_K_M.gguf',
  'x\u0000-Q4_K_M.gguf',
])('the file name %j is refused', async (filename) => {
  const context = await testHub();
  context.standIn.repository('o/r', { [filename]: fakeGguf(9) });
  await expect(context.pull('o/r')).rejects.toMatchObject({ code: 'unsafe_file_name' });
  expect(context.standIn.bytesServed).toBe(0);
  await expectNothingInstalled(context);
});

test.each<[string, string]>([
  ['HTML', '<html>login</html>'],
  ['another JSON', '{"models":[]}'],
  ['a commit that is none', JSON.stringify({ id: 'o/r', sha: '../..', siblings: [] })],
  [
    'a size below zero',
    JSON.stringify({ id: 'o/r', sha: 'a'.repeat(40), siblings: [{ rfilename: 'm.gguf', size: -1 }] }),
  ],
  [
    'a hash that is a path',
    JSON.stringify({
      id: 'o/r',
      sha: 'a'.repeat(40),
      siblings: [{ rfilename: 'm.gguf', size: 1, lfs: { sha256: '../x' } }],
    }),
  ],
])('a hub that answers with %s is refused', async (_, body) => {
  const context = await testHub();
  context.standIn.fault({ host: 'hub', status: 200, body });
  await expect(context.pull('o/r')).rejects.toMatchObject({ code: 'hub_error', hint: 'Check HF_ENDPOINT.' });
});

test('a redirect in circles, or to another scheme, is refused', async () => {
  const context = await testHub();
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(9) });
  const { url } = context.standIn;
  context.standIn.fault({
    path: /resolve/,
    status: 302,
    headers: { location: `${url}/o/r/resolve/main/x` },
    times: 20,
  });
  await expect(context.pull('o/r')).rejects.toMatchObject({ code: 'hub_error' });
  context.standIn.faults.clear();
  context.standIn.fault({ path: /resolve/, status: 302, headers: { location: 'file:///etc/passwd' } });
  await expect(context.pull('o/r')).rejects.toMatchObject({ code: 'hub_error' });
});

test('a hub that is down is told of, and nothing is left behind', async () => {
  const standIn = await HubStandIn.start();
  const endpoint = standIn.url;
  await standIn.close();
  const context = await testHub();
  const hub = new Hub({ endpoint, retry: QUICK_RETRIES });
  await expect(hub.pull('o/r', { library: context.library })).rejects.toMatchObject({
    code: 'hub_unreachable',
    exitCode: 5,
    message: /refused/,
  });
  await hub.close();
  await expectNothingInstalled(context);
});

test('the disk has only what arrived of a file that is large', async () => {
  const context = await testHub();
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(8 * MB) });
  context.standIn.fault({ host: 'storage', status: 500, after: 4, times: Infinity });
  await expect(context.pull('o/r')).rejects.toThrow();
  const part = (await readdir(context.library.layout.partial)).find((file) => file.endsWith('.part')) ?? '';
  const stats = await stat(`${context.library.layout.partial}/${part}`);
  expect(stats.size).toBe(8 * MB);
  if (process.platform === 'linux') expect(stats.blocks * 512).toBeLessThan(MB);
});

test('an error in one file stops the others and lets go of their locks', async () => {
  const context = await testHub();
  const files = Object.fromEntries(['1', '2', '3'].map((n) => [`m-0000${n}-of-00003.gguf`, fakeGguf(MB)]));
  context.standIn.repository('o/r', files);
  context.standIn.fault({ host: 'storage', path: /00002/, status: 404, times: Infinity });
  context.standIn.fault({ host: 'storage', path: /0000[13]/, bytesPerSecond: 100_000, times: Infinity });
  const before = performance.now();
  await expect(context.pull('o/r')).rejects.toMatchObject({ code: 'hub_error', detail: { status: 404 } });
  expect(performance.now() - before).toBeLessThan(3_000);
  expect((await readdir(context.library.layout.partial)).filter((file) => file.endsWith('.lock'))).toEqual([]);
  await sleep(100);
  expect(existsSync(context.library.layout.lock)).toBe(false);
});

test('the files that a failed pull had finished are not fetched again, even after gc', async () => {
  const context = await testHub();
  const { standIn, library, pull } = context;
  const files = Object.fromEntries(['1', '2'].map((n) => [`m-0000${n}-of-00002.gguf`, fakeGguf(MB)]));
  standIn.repository('o/r', files);
  standIn.fault({ host: 'storage', path: /00002/, delayMs: 1_000, status: 500, times: Infinity });
  await expect(pull('o/r')).rejects.toMatchObject({ code: 'hub_error' });
  await library.gc();
  standIn.faults.clear();
  await pull('o/r');
  expect(standIn.bytesServed).toBe(2 * MB);
  expect(await readdir(library.layout.leases)).toEqual([]);
});

test('a model that is removed while another pull counts on its blob is fetched again', async () => {
  const root = await testHub();
  let removals = 1;
  const context = await testHub({
    library: {
      modelsDir: root.library.layout.root,
      onStep: (step) => {
        // What another process does between the look for the blob and the install.
        if (step === 'stage' && removals-- > 0)
          for (const file of readdirSync(root.library.layout.blobs)) rmSync(`${root.library.layout.blobs}/${file}`);
      },
    },
  });
  const bytes = fakeGguf(MB);
  context.standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  expect((await readFile(modelPath(await context.pull('o/r')))).equals(bytes)).toBe(true);
  expect(removals).toBeLessThan(1);
});
