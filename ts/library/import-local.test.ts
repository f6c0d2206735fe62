import { existsSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import { modelPath } from './components.ts';
import { displayName, Library } from './index.ts';
import { temporaryFolder } from './test-store.ts';

async function setUp(files: Record<string, string | Buffer>): Promise<{ library: Library; folder: string }> {
  const root = await temporaryFolder();
  const folder = join(root, 'my-model');
  await mkdir(folder);
  for (const [filename, content] of Object.entries(files)) await writeFile(join(folder, filename), content);
  return { library: new Library({ modelsDir: join(root, 'models') }), folder };
}

const safetensors = (length: number) => {
  const header = Buffer.from('{}');
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, Buffer.alloc(length)]);
};

test('a GGUF file is linked, named by its file, and stays where it is', async () => {
  const { library, folder } = await setUp({ 'Tiny Model v1.gguf': 'GGUF weights' });
  const path = join(folder, 'Tiny Model v1.gguf');
  const { record, method } = await library.import(path);
  expect(method).toBe('linked');
  expect(displayName(record.name)).toBe('Tiny-Model-v1:latest');
  expect(record.source).toEqual({ scheme: 'local', reference: path, revision: { branch: 'local' } });
  expect(record.components).toEqual([{ role: 'model', path: 'Tiny Model v1.gguf', format: 'gguf' }]);
  expect((await stat(modelPath(record))).ino).toBe((await stat(path)).ino);
  expect(await library.resolve('tiny-model-v1')).toEqual(record);
  expect((await library.remove('Tiny-Model-v1')).freedBytes).toBe(0);
  expect(await readFile(path, 'utf8')).toBe('GGUF weights');
  expect(await readdir(library.layout.partial)).toEqual([]);
});

test('a copy does not depend on the original', async () => {
  const { library, folder } = await setUp({ 'm.gguf': 'GGUF weights' });
  const { record, method } = await library.import(join(folder, 'm.gguf'), { mode: 'copy', name: 'mine:v1' });
  expect(method).toBe('copied');
  await writeFile(join(folder, 'm.gguf'), 'GGUF changed');
  expect(await readFile(modelPath(record), 'utf8')).toBe('GGUF weights');
  expect((await library.remove('mine:v1')).freedBytes).toBe(12);
});

test('any shard brings the whole set', async () => {
  const { library, folder } = await setUp({
    'm-00001-of-00002.gguf': 'GGUF first',
    'm-00002-of-00002.gguf': 'GGUF second',
    'other.gguf': 'GGUF other',
  });
  const { record } = await library.import(join(folder, 'm-00002-of-00002.gguf'));
  expect(displayName(record.name)).toBe('m:latest');
  expect(record.artifacts.map(({ filename }) => filename)).toEqual(['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf']);
  expect(modelPath(record).endsWith('m-00001-of-00002.gguf')).toBe(true);
});

test('a safetensors folder comes with what it needs and nothing else', async () => {
  const { library, folder } = await setUp({
    'config.json': '{}',
    'tokenizer.json': '{}',
    'model.safetensors': safetensors(10),
    'pytorch_model.bin': 'no',
    'notes.txt': 'no',
  });
  const { record } = await library.import(folder);
  expect(displayName(record.name)).toBe('my-model:latest');
  expect(modelPath(record)).toBe(record.localPath);
  expect((await readdir(record.localPath)).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
});

test('a folder with one GGUF model is that model; with several it has to be said which', async () => {
  const one = await setUp({
    'm-Q4_K_M.gguf': 'GGUF weights',
    'mmproj-m.gguf': 'GGUF projector',
    'imatrix.gguf': 'GGUF other',
  });
  expect((await one.library.import(one.folder)).record.components).toEqual([
    { role: 'model', path: 'm-Q4_K_M.gguf', format: 'gguf' },
    { role: 'projector', path: 'mmproj-m.gguf', format: 'gguf' },
  ]);
  const two = await setUp({ 'a.gguf': 'GGUF', 'b.gguf': 'GGUF' });
  await expect(two.library.import(two.folder)).rejects.toMatchObject({
    code: 'invalid_request',
    hint: /a\.gguf, b\.gguf/,
  });
});

test.each<[string, string, Record<string, string | Buffer>]>([
  ['not_found', 'nothing.gguf', {}],
  ['invalid_model_file', 'm.gguf', { 'm.gguf': 'not a model' }],
  ['invalid_model_file', 'm.gguf', { 'm.gguf': '' }],
  ['invalid_model_file', 'm.bin', { 'm.bin': 'x' }],
  ['invalid_model_file', 'm-00001-of-00002.gguf', { 'm-00001-of-00002.gguf': 'GGUF' }],
  ['invalid_model_file', '', { 'config.json': '{}', 'model.safetensors': 'lies' }],
  ['invalid_model_file', '', { 'config.json': '{}', 'model.safetensors': Buffer.alloc(100, 255) }],
  ['no_model_files', '', { 'readme.txt': 'x' }],
  ['no_model_files', '', { 'model.safetensors': safetensors(1) }],
])('%s: nothing is left behind', async (code, path, files) => {
  const { library, folder } = await setUp(files);
  await expect(library.import(join(folder, path))).rejects.toMatchObject({ code });
  expect(existsSync(library.layout.root)).toBe(false);
});

test('what the engine refuses is not installed', async () => {
  const { library, folder } = await setUp({ 'm.gguf': 'GGUF weights' });
  const inspect = async (path: string) => {
    expect(path).toBe(join(folder, 'm.gguf'));
    throw new OmgError('unsupported_architecture', 'no');
  };
  await expect(library.import(join(folder, 'm.gguf'), { inspect })).rejects.toMatchObject({
    code: 'unsupported_architecture',
  });
  expect(existsSync(library.layout.root)).toBe(false);
});

test('a name that nobody chose replaces no other model; a chosen one does', async () => {
  const { library, folder } = await setUp({ 'm.gguf': 'GGUF one' });
  const path = join(folder, 'm.gguf');
  const first = await library.import(path, { mode: 'copy' });
  expect((await library.import(path)).record.digest).toBe(first.record.digest);
  await writeFile(path, 'GGUF two');
  await expect(library.import(path)).rejects.toMatchObject({ code: 'conflict', hint: /--name/ });
  const second = await library.import(path, { name: 'm' });
  expect(await readFile(modelPath(second.record), 'utf8')).toBe('GGUF two');
  expect(await library.list()).toHaveLength(1);
});

test('stopping leaves nothing, progress ends with everything, and too little space is told first', async () => {
  const { library, folder } = await setUp({ 'm.gguf': Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(9 << 20)]) });
  const path = join(folder, 'm.gguf');
  await expect(library.import(path, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  const stop = new AbortController();
  await expect(
    library.import(path, { mode: 'copy', signal: stop.signal, onProgress: () => stop.abort() }),
  ).rejects.toThrow();
  expect(await readdir(library.layout.partial)).toEqual([]);
  expect(await library.list()).toEqual([]);
  const full = new Library({ modelsDir: library.layout.root, freeBytes: async () => 5 });
  await expect(full.import(path, { mode: 'copy' })).rejects.toMatchObject({ code: 'disk_full' });
  const seen: number[] = [];
  await library.import(path, { onProgress: ({ completedBytes }) => seen.push(completedBytes) });
  expect(seen.at(-1)).toBe((9 << 20) + 4);
});

test.skipIf(!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync(tmpdir()).dev)(
  'where links cannot be made between disks, the original is used in place and never removed',
  async () => {
    const { library } = await setUp({});
    const folder = await mkdtemp('/dev/shm/omg-test-');
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, 'm.gguf');
    await writeFile(path, 'GGUF weights');
    const { record, method } = await library.import(path);
    expect(method).toBe('in-place');
    expect(modelPath(record)).toBe(path);
    expect(await readdir(library.layout.partial)).toEqual([]);
    expect(await new Library({ modelsDir: library.layout.root }).list()).toEqual([record]);
    await library.copy('m', 'second');
    await library.gc({ partialAgeMs: 0 });
    expect((await library.remove('m')).freedBytes).toBe(0);
    expect((await library.remove('second')).freedBytes).toBe(0);
    expect(await readFile(path, 'utf8')).toBe('GGUF weights');

    const copy = await library.import(path, { mode: 'copy' });
    expect(copy.method).toBe('copied');
    await rm(path);
    expect(await readFile(modelPath(copy.record), 'utf8')).toBe('GGUF weights');
  },
);
