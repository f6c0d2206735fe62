import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { modelPath } from './components.ts';
import { displayName, Library } from './index.ts';
import { ggufInput, putBlob, temporaryFolder } from './test-store.ts';

async function library(options: { bundled?: string; aliases?: string } = {}): Promise<Library> {
  const root = await temporaryFolder();
  if (options.bundled !== undefined) await writeFile(join(root, 'demo.gguf'), options.bundled);
  if (options.aliases !== undefined) await writeFile(join(root, 'aliases.yaml'), options.aliases);
  return new Library({
    modelsDir: join(root, 'models'),
    aliasesFile: join(root, 'aliases.yaml'),
    bundled: [{ model: 'demo', path: join(root, 'demo.gguf') }],
  });
}

test('an empty store lists nothing and makes no folders', async () => {
  const store = await library();
  expect(await store.list()).toEqual([]);
  expect(existsSync(store.layout.root)).toBe(false);
  await expect(store.resolve('qwen3')).rejects.toMatchObject({ code: 'model_not_found' });
});

test('an installed model is listed, read back by another process, and its files are links to blobs', async () => {
  const store = await library();
  const installed = await store.install(await ggufInput(store, 'owner/Repo:Q4_K_M', { 'sub/a.gguf': 'weights' }));
  const other = new Library({ modelsDir: store.layout.root });
  expect(await other.list()).toEqual([installed]);
  expect(displayName(installed.name)).toBe('owner/Repo:Q4_K_M');
  expect(await readFile(modelPath(installed), 'utf8')).toBe('weights');
  const sha256 = createHash('sha256').update('weights').digest('hex');
  const [file, blob] = await Promise.all([stat(modelPath(installed)), stat(store.layout.blob(sha256))]);
  expect(file.ino).toBe(blob.ino);
  expect(installed.sizeBytes).toBe(7);
});

test('a name differing in case is the same model and keeps the stored casing', async () => {
  const store = await library();
  await store.install(await ggufInput(store, 'Owner/Repo', { 'a.gguf': 'one' }));
  await store.install(await ggufInput(store, 'owner/repo', { 'a.gguf': 'two' }));
  const records = await store.list();
  expect(records.map(({ name }) => displayName(name))).toEqual(['Owner/Repo:latest']);
  expect(await readFile(records[0] ? modelPath(records[0]) : '', 'utf8')).toBe('two');
});

test('replacing a model frees what the old one alone used', async () => {
  const store = await library();
  const old = await store.install(await ggufInput(store, 'm', { 'a.gguf': 'old', 'c.json': 'shared' }));
  const now = await store.install(await ggufInput(store, 'm', { 'a.gguf': 'new', 'c.json': 'shared' }));
  expect(existsSync(old.localPath)).toBe(false);
  expect((await readdir(store.layout.blobs)).sort()).toEqual(
    now.artifacts.map(({ sha256 }) => `sha256-${sha256}`).sort(),
  );
});

test('copies share blobs, and removing one keeps what the other needs', async () => {
  const store = await library();
  const source = await store.install(await ggufInput(store, 'owner/repo', { 'a.gguf': 'weights' }));
  const copy = await store.copy('repo', 'mine:v1');
  expect(copy.digest).toBe(source.digest);
  expect((await store.remove('owner/repo')).freedBytes).toBe(0);
  expect(await readFile(modelPath(await store.resolve('mine:v1')), 'utf8')).toBe('weights');
  expect((await store.remove('mine:v1')).freedBytes).toBe(7);
  expect(await readdir(store.layout.blobs)).toEqual([]);
  expect(await readdir(store.layout.files)).toEqual([]);
});

test('bytes that another program still holds are not counted as freed', async () => {
  const store = await library();
  const record = await store.install(await ggufInput(store, 'm', { 'a.gguf': 'weights' }));
  await link(modelPath(record), join(store.layout.root, 'elsewhere'));
  expect((await store.remove('m')).freedBytes).toBe(0);
});

test('removing goes by exact names, ids and aliases, never by a guess', async () => {
  const store = await library({ aliases: 'short: owner/repo:Q8_0\n' });
  const record = await store.install(await ggufInput(store, 'owner/repo:Q8_0', { 'a.gguf': 'x' }));
  await expect(store.remove('repo')).rejects.toMatchObject({ code: 'model_not_found' });
  await expect(store.remove('owner/repo')).rejects.toMatchObject({ code: 'model_not_found' });
  expect((await store.remove('short')).record).toEqual(record);
  expect(await store.list()).toEqual([]);
});

test('an id of copies removes none of them', async () => {
  const store = await library();
  const { digest } = await store.install(await ggufInput(store, 'a', { 'a.gguf': 'x' }));
  await store.copy('a', 'b');
  await expect(store.remove(digest)).rejects.toMatchObject({ code: 'ambiguous_model_name' });
  expect((await store.resolve(digest.slice(0, 12))).digest).toBe(digest);
});

test('the bundled model was installed when its archive was unpacked, and not at the date in it', async () => {
  const store = await library({ bundled: 'demo weights' });
  await utimes(join(store.layout.root, '..', 'demo.gguf'), 0, 0);
  const [record] = await store.list();
  expect(Date.now() - Date.parse(record?.installedAt ?? '')).toBeLessThan(60_000);
});

test('the bundled model is listed in place, can be copied and shadowed but not removed, and is hidden when missing', async () => {
  const store = await library({ bundled: 'demo weights' });
  const demo = await store.resolve('demo');
  expect(demo.source.scheme).toBe('bundled');
  expect(await readFile(modelPath(demo), 'utf8')).toBe('demo weights');
  await expect(store.remove('demo')).rejects.toMatchObject({ code: 'conflict' });
  await store.copy('demo', 'mine');
  expect((await store.remove('mine')).freedBytes).toBe(0);
  expect(existsSync(modelPath(demo))).toBe(true);
  await store.install(await ggufInput(store, 'demo', { 'a.gguf': 'own' }));
  expect((await store.list()).map(({ source }) => source.scheme)).toEqual(['huggingface']);
  await store.remove('demo');
  await rm(modelPath(demo));
  expect(await store.list()).toEqual([]);
});

test('a damaged manifest is reported and skipped, keeps its files from gc, and can be removed', async () => {
  const store = await library();
  const good = await store.install(await ggufInput(store, 'good', { 'a.gguf': 'x' }));
  const bad = await store.install(await ggufInput(store, 'bad', { 'a.gguf': 'y' }));
  const path = store.layout.manifest(bad.name);
  await writeFile(path, '{"version":1,"name":');
  expect(await store.list()).toEqual([good]);
  expect(await store.problems()).toMatchObject([{ path }]);
  expect((await store.gc()).removed).toEqual([]);
  await store.remove('bad');
  expect(await store.problems()).toEqual([]);
  expect((await store.gc()).freedBytes).toBe(1);
  expect(await store.list()).toEqual([good]);
});

test.each([
  ['a path out of the folder', { localPath: '../../etc' }],
  [
    'an artifact out of the folder',
    { artifacts: [{ filename: '../x', size: 1, sha256: 'a'.repeat(64), format: 'gguf' }] },
  ],
  ['another version', { version: 99 }],
  ['a name of another file', { name: { host: 'hf.co', namespace: 'library', model: 'other', tag: 'latest' } }],
])('a manifest with %s is refused', async (_, change) => {
  const store = await library();
  const record = await store.install(await ggufInput(store, 'm', { 'a.gguf': 'x' }));
  const path = store.layout.manifest(record.name);
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }));
  expect(await store.list()).toEqual([]);
  expect(await store.problems()).toHaveLength(1);
});

test('gc removes orphaned blobs, folders and unfinished writes; a dry run only tells', async () => {
  const store = await library();
  const kept = await store.install(await ggufInput(store, 'kept', { 'a.gguf': 'kept' }));
  const gone = await store.install(await ggufInput(store, 'gone', { 'a.gguf': 'orphan' }));
  await rm(store.layout.manifest(gone.name));
  await putBlob(store, 'b.gguf', 'blob');
  await mkdir(store.layout.partial, { recursive: true });
  await writeFile(join(store.layout.partial, 'abc.part'), 'partial');
  await writeFile(join(store.layout.manifests, '.tmp-1'), 'unfinished');
  expect((await store.gc({ dryRun: true })).removed.some(({ path }) => path.endsWith('abc.part'))).toBe(false);
  const dry = await store.gc({ dryRun: true, partialAgeMs: 0 });
  expect(existsSync(gone.localPath)).toBe(true);
  const report = await store.gc({ partialAgeMs: 0 });
  expect(dry).toEqual(report);
  expect(report.freedBytes).toBe(6 + 4 + 7 + 10);
  expect(report.removed.map(({ size }) => size).sort((a, b) => a - b)).toEqual([4, 6, 6, 7, 10]);
  expect(existsSync(gone.localPath)).toBe(false);
  expect(await readFile(modelPath(kept), 'utf8')).toBe('kept');
  expect((await store.gc()).removed).toEqual([]);
});

test('gc and remove keep blobs under a lease', async () => {
  const store = await library();
  const record = await store.install(await ggufInput(store, 'm', { 'a.gguf': 'x' }));
  const lease = await store.lease(record.artifacts.map(({ sha256 }) => sha256));
  await store.remove('m');
  await store.gc();
  expect(await readdir(store.layout.blobs)).toHaveLength(1);
  await lease.end();
  expect((await store.gc()).freedBytes).toBe(1);
});

test('changes by another process are seen at once', async () => {
  const store = await library();
  const other = new Library({ modelsDir: store.layout.root });
  for (let round = 0; round < 20; round++) {
    await other.install(await ggufInput(other, `m${round}`, { 'a.gguf': `${round}` }));
    expect((await store.list()).length).toBe(round + 1);
  }
  await other.remove('m3');
  await expect(store.resolve('m3')).rejects.toMatchObject({ code: 'model_not_found' });
});

test('many changes at once all happen', async () => {
  const store = await library();
  const inputs = await Promise.all(
    Array.from({ length: 30 }, (_, i) => ggufInput(store, `m${i}`, { 'a.gguf': `${i}` })),
  );
  await Promise.all(inputs.map((input) => store.install(input)));
  await Promise.all(inputs.slice(0, 10).map(({ name }) => store.remove(displayName(name))));
  expect(await store.list()).toHaveLength(20);
  expect(await readdir(store.layout.blobs)).toHaveLength(20);
});

test('what a stopped or killed pull had finished outlasts gc for a while, and is settled by the next one', async () => {
  const store = await library();
  const input = await ggufInput(store, 'm', { 'a.gguf': 'x' });
  const sha256 = input.artifacts.map((artifact) => artifact.sha256);
  await (await store.lease(sha256)).abandon();
  expect((await store.gc({ partialAgeMs: 60_000 })).removed).toEqual([]);
  const second = await store.lease(sha256);
  await store.install(input);
  await second.end();
  expect(await readdir(store.layout.leases)).toEqual([]);
  await (await store.lease(sha256)).abandon();
  expect((await store.remove('m')).freedBytes).toBe(1);
  const [blob] = await Promise.all([putBlob(store, 'b.gguf', 'stray')]);
  await (await store.lease([blob.sha256])).abandon();
  expect((await store.gc({ partialAgeMs: 0 })).freedBytes).toBe(5);
  expect(await readdir(store.layout.leases)).toEqual([]);
});

test('listing hundreds of models again and again reads none of them again', async () => {
  const store = await library();
  const first = await store.install(await ggufInput(store, 'm0', { 'a.gguf': 'x' }));
  const template = JSON.parse(await readFile(store.layout.manifest(first.name), 'utf8'));
  for (let i = 1; i < 300; i++) {
    const name = { ...first.name, model: `m${i}` };
    await writeFile(store.layout.manifest(name), JSON.stringify({ ...template, name }));
  }
  const old = new Date(Date.now() - 60_000);
  await utimes(store.layout.manifests, old, old);
  const before = await store.list();
  expect(before).toHaveLength(300);
  // A change that leaves no trace in the folder would be seen only by reading.
  await writeFile(store.layout.manifest(first.name), 'damaged');
  await utimes(store.layout.manifests, old, old);
  const lists = await Promise.all(Array.from({ length: 500 }, () => store.list()));
  for (const list of lists) expect(list[0]).toBe(before[0]);
  expect((await store.resolve('m299')).name.model).toBe('m299');
});
