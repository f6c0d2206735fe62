import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { componentPath, displayName, Library, modelPath } from '../library/index.ts';
import { fakeGguf, testHub } from './test-hub.ts';

const MB = 1 << 20;

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test('a GGUF model is downloaded in ranges, verified and installed', async () => {
  const { standIn, pull, library, progress } = await testHub();
  const bytes = fakeGguf(2 * MB + 17);
  const repository = standIn.repository('owner/Repo-GGUF', {
    'model-Q4_K_M.gguf': bytes,
    'model-Q8_0.gguf': fakeGguf(9),
  });
  const record = await pull('owner/Repo-GGUF');

  expect((await readFile(modelPath(record))).equals(bytes)).toBe(true);
  expect(displayName(record.name)).toBe('owner/Repo-GGUF:latest');
  expect(record.source).toEqual({
    scheme: 'huggingface',
    reference: 'owner/Repo-GGUF',
    revision: { branch: 'main', resolvedCommit: repository.at('main')?.commit },
  });
  expect(record.components).toEqual([{ role: 'model', path: 'model-Q4_K_M.gguf', format: 'gguf' }]);
  expect(record.artifacts).toEqual([
    {
      filename: 'model-Q4_K_M.gguf',
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      format: 'gguf',
    },
  ]);
  expect(await library.resolve('repo-gguf')).toEqual(record);
  const ranges = standIn.requests.filter(({ host }) => host === 'storage');
  expect(ranges.length).toBe(Math.ceil(bytes.length / (64 << 10)));
  expect(standIn.bytesServed).toBe(bytes.length);
  expect(await filesBelow(library.layout.partial)).toEqual([]);
  expect(await filesBelow(library.layout.leases)).toEqual([]);

  expect(progress[0]?.status).toBe('resolving');
  expect(progress.at(-1)).toMatchObject({ status: 'success', totalBytes: bytes.length, completedBytes: bytes.length });
  const order = ['resolving', 'downloading', 'verifying', 'installing', 'success'];
  const seen = progress.map(({ status }) => order.indexOf(status));
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(new Set(seen).size).toBe(5);
});

test('all shards come, in the folder they have', async () => {
  const { standIn, pull } = await testHub();
  const shards = [fakeGguf(10), fakeGguf(20), fakeGguf(30)];
  standIn.repository(
    'o/r',
    Object.fromEntries(shards.map((bytes, i) => [`Q4_K_M/m-Q4_K_M-0000${i + 1}-of-00003.gguf`, bytes])),
  );
  const record = await pull('o/r:q4_k_m');
  expect(displayName(record.name)).toBe('o/r:Q4_K_M');
  expect(record.sizeBytes).toBe(60);
  expect(modelPath(record).endsWith(join('Q4_K_M', 'm-Q4_K_M-00001-of-00003.gguf'))).toBe(true);
  expect((await readdir(dirname(modelPath(record)))).length).toBe(3);
});

test('a safetensors model comes with its tokenizer and config, and without duplicates in other formats', async () => {
  const { standIn, pull } = await testHub();
  standIn.repository('o/r', {
    'config.json': '{}',
    'generation_config.json': '{"a":1}',
    'tokenizer.json': '{"b":2}',
    'tokenizer_config.json': '{"c":3}',
    'chat_template.jinja': 'x',
    'model.safetensors.index.json': '{}',
    'model-00001-of-00002.safetensors': Buffer.alloc(300_000, 1),
    'model-00002-of-00002.safetensors': Buffer.alloc(300_000, 2),
    'pytorch_model.bin': 'no',
    'onnx/model.onnx': 'no',
    'README.md': 'no',
  });
  const record = await pull('o/r');
  expect(record.components).toEqual([{ role: 'model', path: '.', format: 'safetensors' }]);
  expect(modelPath(record)).toBe(record.localPath);
  expect((await readdir(record.localPath)).sort()).toEqual([
    'chat_template.jinja',
    'config.json',
    'generation_config.json',
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
    'model.safetensors.index.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
});

test('the projector of a GGUF model comes along, and is a component of its own', async () => {
  const { standIn, pull } = await testHub();
  const projector = fakeGguf(300);
  standIn.repository('o/r', {
    'm-Q4_K_M.gguf': fakeGguf(500),
    'm-Q8_0.gguf': fakeGguf(900),
    'mmproj-m-Q8_0.gguf': fakeGguf(200),
    'mmproj-m-F16.gguf': projector,
  });
  const record = await pull('o/r');
  expect(record.components).toEqual([
    { role: 'model', path: 'm-Q4_K_M.gguf', format: 'gguf' },
    { role: 'projector', path: 'mmproj-m-F16.gguf', format: 'gguf' },
  ]);
  expect((await readFile(componentPath(record, 'projector') ?? '')).equals(projector)).toBe(true);
  expect(record.sizeBytes).toBe(800);
});

test('the tag of a safetensors repository is its revision, and so is what stands behind @', async () => {
  const { standIn, pull, library } = await testHub();
  const repository = standIn.repository('o/r', { 'config.json': '{}', 'model.safetensors': Buffer.alloc(9, 1) });
  const commit = repository.commit('v2', { 'model.safetensors': Buffer.alloc(9, 2) });
  const tagged = await pull('o/r:v2');
  expect(tagged.source.revision).toEqual({ branch: 'v2', resolvedCommit: commit });
  expect(displayName(tagged.name)).toBe('o/r:v2');
  expect((await pull('o/r@v2')).digest).toBe(tagged.digest);
  expect(displayName((await pull(`o/r@${commit}`)).name)).toBe(`o/r:${commit}`);
  expect((await library.resolve('o/r@v2')).digest).toBe(tagged.digest);
  await expect(pull('o/r:nope')).rejects.toMatchObject({ code: 'repo_not_found' });
});

test('pulling what is installed and current transfers nothing; force reads the files and mends them', async () => {
  const { standIn, pull, progress } = await testHub();
  const bytes = fakeGguf(MB);
  standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  const first = await pull('o/r');
  const served = standIn.bytesServed;
  progress.length = 0;
  expect(await pull('o/r')).toEqual(first);
  expect(standIn.bytesServed).toBe(served);
  expect(progress.at(-1)).toMatchObject({ status: 'success', completedBytes: MB, files: [{ cached: true }] });

  const damaged = Buffer.from(bytes);
  damaged[1000] = (damaged[1000] ?? 0) ^ 1;
  await writeFile(modelPath(first), damaged);
  const mended = await pull({ model: 'o/r', force: true });
  expect((await readFile(modelPath(mended))).equals(bytes)).toBe(true);
  expect(standIn.bytesServed).toBe(served + MB);
});

test('a new commit brings only the files that changed', async () => {
  const { standIn, pull } = await testHub();
  const repository = standIn.repository('o/r', {
    'config.json': '{}',
    'tokenizer.json': '{"old":1}',
    'model.safetensors': Buffer.alloc(MB, 1),
  });
  const old = await pull('o/r');
  repository.commit('main', { 'tokenizer.json': '{"new":22}' });
  standIn.requests.length = 0;
  const now = await pull('o/r');
  expect(standIn.bytesServed).toBe('{"new":22}'.length);
  expect(await readFile(join(now.localPath, 'tokenizer.json'), 'utf8')).toBe('{"new":22}');
  expect(now.digest).not.toBe(old.digest);
  expect(existsSync(old.localPath)).toBe(false);
});

test('two repositories that share a file transfer it once, also at the same time', async () => {
  const { standIn, hub, library } = await testHub();
  const shared = fakeGguf(MB);
  standIn.repository('a/one', { 'm-Q4_K_M.gguf': shared });
  standIn.repository('b/two', { 'other-Q4_K_M.gguf': shared });
  const seen: number[] = [];
  const [one, two] = await Promise.all([
    hub.pull('a/one', { library }),
    hub.pull('b/two', { library, onProgress: ({ completedBytes }) => seen.push(completedBytes) }),
  ]);
  expect(standIn.bytesServed).toBe(MB);
  expect(seen.at(-1)).toBe(MB);
  const [a, b] = await Promise.all([stat(modelPath(one)), stat(modelPath(two))]);
  expect(a.ino).toBe(b.ino);
  await library.remove('a/one');
  expect((await readFile(modelPath(two))).equals(shared)).toBe(true);
});

test('when the pull that downloads a shared file is stopped, the one that waits goes on from there', async () => {
  const { standIn, hub, library } = await testHub();
  const shared = fakeGguf(MB);
  standIn.repository('a/one', { 'm-Q4_K_M.gguf': shared });
  standIn.repository('b/two', { 'm-Q4_K_M.gguf': shared });
  standIn.fault({ host: 'storage', bytesPerSecond: 400_000, times: 8 });
  const stop = new AbortController();
  const one = hub.pull('a/one', {
    library,
    signal: stop.signal,
    onProgress: ({ completedBytes }) => completedBytes > 200_000 && stop.abort(),
  });
  await sleep(50);
  const two = hub.pull('b/two', { library });
  await expect(one).rejects.toMatchObject({ code: 'cancelled' });
  expect((await readFile(modelPath(await two))).equals(shared)).toBe(true);
  expect(standIn.bytesServed).toBeLessThan(1.5 * MB);
});

test('two libraries of one folder pull the same model at once and it is transferred once', async () => {
  const { standIn, hub, library } = await testHub();
  standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(MB) });
  const other = new Library({ modelsDir: library.layout.root });
  const [one, two] = await Promise.all([hub.pull('o/r', { library }), hub.pull('o/r', { library: other })]);
  expect(one.digest).toBe(two.digest);
  expect(standIn.bytesServed).toBe(MB);
});

test('files of the Hugging Face cache are linked, not downloaded', async () => {
  const cache = join((await testHub()).root, 'cache');
  const { standIn, pull, root } = await testHub({ hub: { otherStores: { huggingFaceCache: cache } } });
  const bytes = fakeGguf(MB);
  standIn.repository('Org/Name', { 'm-Q4_K_M.gguf': bytes });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const blob = join(cache, 'models--Org--Name', 'blobs', sha256);
  await mkdir(dirname(blob), { recursive: true });
  await writeFile(blob, bytes);
  const record = await pull('Org/Name');
  expect(standIn.bytesServed).toBe(0);
  const [mine, theirs, folder] = await Promise.all([stat(modelPath(record)), stat(blob), stat(root)]);
  if (theirs.dev === folder.dev) expect(mine.ino).toBe(theirs.ino);
});

test('a damaged file of the Hugging Face cache is not taken', async () => {
  const cache = join((await testHub()).root, 'cache');
  const { standIn, pull } = await testHub({ hub: { otherStores: { huggingFaceCache: cache } } });
  const bytes = fakeGguf(MB);
  standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  const blob = join(cache, 'models--o--r', 'blobs', createHash('sha256').update(bytes).digest('hex'));
  await mkdir(dirname(blob), { recursive: true });
  await writeFile(blob, Buffer.alloc(MB));
  expect((await readFile(modelPath(await pull('o/r')))).equals(bytes)).toBe(true);
  expect((await readFile(blob)).equals(Buffer.alloc(MB))).toBe(true);
});

test('a blob of an Ollama store is linked, not downloaded', async () => {
  const ollamaModels = join((await testHub()).root, 'ollama');
  const { standIn, pull } = await testHub({ hub: { otherStores: { ollamaModels } } });
  const bytes = fakeGguf(MB);
  standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  await mkdir(join(ollamaModels, 'blobs'), { recursive: true });
  await writeFile(join(ollamaModels, 'blobs', `sha256-${createHash('sha256').update(bytes).digest('hex')}`), bytes);
  await pull('o/r');
  expect(standIn.bytesServed).toBe(0);
});

test('too little space is told with both numbers before anything is transferred', async () => {
  const { standIn, pull, library } = await testHub({ library: { freeBytes: async () => 1000 } });
  standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(MB) });
  await expect(pull('o/r')).rejects.toMatchObject({ code: 'disk_full', detail: { neededBytes: MB, freeBytes: 1000 } });
  expect(standIn.bytesServed).toBe(0);
  expect(await library.list()).toEqual([]);
});

test('an installed model with a name that no source has is there already', async () => {
  const { standIn, pull, library, progress } = await testHub();
  standIn.repository('o/r', { 'm-Q8_0.gguf': fakeGguf(10) });
  const { name } = await pull('o/r');
  const mine = await library.copy(displayName(name), 'mine');
  const before = standIn.requests.length;
  expect(await pull('mine')).toEqual(mine);
  expect(progress.at(-1)?.status).toBe('success');
  expect(standIn.requests).toHaveLength(before);
  await expect(pull('mine:other')).rejects.toMatchObject({ code: 'repo_not_found' });
  await expect(pull('mine@main')).rejects.toMatchObject({ code: 'repo_not_found' });
});

test('a catalog name installs under that name', async () => {
  const { standIn, pull, library } = await testHub();
  standIn.repository('unsloth/Qwen3-4B-GGUF', {
    'Qwen3-4B-Q4_K_M.gguf': fakeGguf(8),
    'Qwen3-4B-Q8_0.gguf': fakeGguf(9),
  });
  expect((await pull('qwen3:4b')).sizeBytes).toBe(8);
  const big = await pull('qwen3:4b-q8_0');
  expect(big.sizeBytes).toBe(9);
  expect((await library.list()).map(({ name }) => displayName(name)).sort()).toEqual(['qwen3:4b', 'qwen3:4b-q8_0']);
});

test("the user's alias is pulled, and found under its name", async () => {
  const { standIn, pull, library, root } = await testHub();
  await writeFile(join(root, 'aliases.yaml'), 'tiny: o/r:Q8_0\n');
  standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(8), 'm-Q8_0.gguf': fakeGguf(9) });
  const record = await pull('tiny');
  expect(record.sizeBytes).toBe(9);
  expect((await library.resolve('tiny:latest')).digest).toBe(record.digest);
});

test('a URL of the hub, of a file, and a renamed repository are understood', async () => {
  const { standIn, pull } = await testHub({ standIn: { renamed: { 'old/name': 'new/name' } } });
  standIn.repository('new/name', { 'sub/m-Q4_K_M.gguf': fakeGguf(8), 'm-Q8_0.gguf': fakeGguf(9) });
  expect((await pull(`${standIn.url}/new/name`)).sizeBytes).toBe(8);
  const file = await pull('https://huggingface.co/new/name/resolve/main/m-Q8_0.gguf?download=true');
  expect(file.sizeBytes).toBe(9);
  expect(displayName(file.name)).toBe('new/name:Q8_0');
  expect(displayName((await pull('hf.co/old/name')).name)).toBe('old/name:latest');
});

test('a mirror that tells no sizes is asked for its tree', async () => {
  const { standIn, pull } = await testHub();
  standIn.repository('o/r', { a: '1', b: '2', c: '3', 'm-Q4_K_M.gguf': fakeGguf(MB) }, { hideSizes: true });
  expect((await pull('o/r')).sizeBytes).toBe(MB);
});

test('search tells formats, downloads and gates', async () => {
  const { standIn, hub } = await testHub();
  standIn.repository('a/phi-2', { 'm.safetensors': 'x' }, { downloads: 5, likes: 2, gated: true });
  standIn.repository('b/phi-2-gguf', { 'm.gguf': 'x' }, { downloads: 9 });
  standIn.repository('c/other', { 'm.gguf': 'x' });
  expect(await hub.search('phi-2', 10)).toEqual([
    { id: 'b/phi-2-gguf', downloads: 9, likes: 0, formats: ['gguf'], gated: false },
    { id: 'a/phi-2', downloads: 5, likes: 2, formats: ['safetensors'], gated: true },
  ]);
  expect(await hub.search('phi-2', 1)).toHaveLength(1);
});

test('an empty file is a file', async () => {
  const { standIn, pull } = await testHub();
  standIn.repository('o/r', { 'config.json': '{}', 'merges.txt': '', 'model.safetensors': Buffer.alloc(9) });
  const record = await pull('o/r');
  expect((await stat(join(record.localPath, 'merges.txt'))).size).toBe(0);
});

test('ranges of a file and several files are fetched at once, over no more connections than allowed', async () => {
  const { standIn, pull } = await testHub({ hub: { connections: 3 } });
  standIn.fault({ host: 'storage', bytesPerSecond: 1_000_000, times: Infinity });
  standIn.repository('o/large', { 'm-Q4_K_M.gguf': fakeGguf(MB) });
  await pull('o/large');
  expect(standIn.peakTransfers).toBe(3);

  standIn.peakTransfers = 0;
  const small = Array.from({ length: 6 }, (_, i) => [`m-0000${i + 1}-of-00006.gguf`, fakeGguf(200_000)]);
  standIn.repository('o/many', Object.fromEntries(small));
  await pull('o/many');
  expect(standIn.peakTransfers).toBe(3);
});
