import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { componentPath, modelPath } from './components.ts';
import { Library } from './library.ts';
import { displayName } from './names.ts';
import { ggufInput, temporaryFolder } from './test-store.ts';

/** Manifests as omg 0.1 wrote them, with their files. */
async function storeOfFirstVersion(): Promise<Library> {
  const library = new Library({ modelsDir: await temporaryFolder() });
  await library.install(await ggufInput(library, 'owner/one:q8', { 'a/m.gguf': 'weights', 'a/n.gguf': 'more' }));
  await library.install(await ggufInput(library, 'two', { 'm.gguf': 'weights' }));
  for (const file of await readdir(library.layout.manifests)) {
    const path = join(library.layout.manifests, file);
    const { source, components, ...rest } = JSON.parse(await readFile(path, 'utf8'));
    const isFolder = file.startsWith('two');
    const first = {
      ...rest,
      version: 1,
      modelRef: { provider: source.scheme, repo: source.reference, kind: isFolder ? 'safetensors' : 'gguf' },
      revision: source.revision,
      ...(isFolder ? {} : { engineFile: components[0].path }),
    };
    await writeFile(path, JSON.stringify(first));
  }
  return new Library({ modelsDir: library.layout.root });
}

const versions = async ({ layout }: Library): Promise<number[]> =>
  await Promise.all(
    (await readdir(layout.manifests)).map(async (file) => {
      const { version } = JSON.parse(await readFile(join(layout.manifests, file), 'utf8')) as { version: number };
      return version;
    }),
  );

test('manifests of 0.1 are read as they are, and written anew with the first change', async () => {
  const library = await storeOfFirstVersion();
  const before = await library.list();
  expect(await library.problems()).toEqual([]);
  expect(await versions(library)).toEqual([1, 1]);
  const one = await library.resolve('owner/one:q8');
  expect(await readFile(modelPath(one), 'utf8')).toBe('weights');
  expect(one.source).toEqual({
    scheme: 'huggingface',
    reference: 'owner/repo',
    revision: { branch: 'main', resolvedCommit: 'a'.repeat(40) },
  });
  expect(modelPath(await library.resolve('two'))).toBe((await library.resolve('two')).localPath);

  await library.copy('two', 'three');
  expect(await versions(library)).toEqual([2, 2, 2]);
  const after = await new Library({ modelsDir: library.layout.root }).list();
  expect(after.filter(({ name }) => displayName(name) !== 'three:latest')).toEqual(before);
});

test('a model of 0.1 is removed with its files', async () => {
  const library = await storeOfFirstVersion();
  await library.remove('owner/one:q8');
  await library.remove('two');
  expect(await library.list()).toEqual([]);
  expect(await readdir(library.layout.blobs)).toEqual([]);
});

test('a manifest whose component is no file of the model is a problem, and so is one of a later version', async () => {
  const library = new Library({ modelsDir: await temporaryFolder() });
  const record = await library.install(await ggufInput(library, 'm', { 'm.gguf': 'weights' }));
  const path = library.layout.manifest(record.name);
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  const outside = ['../m.gguf', 'other.gguf', '/etc/passwd'].map((file) => ({
    ...manifest,
    components: [{ role: 'model', path: file, format: 'gguf' }],
  }));
  for (const broken of [...outside, { ...manifest, version: 3 }, { ...manifest, components: [] }]) {
    await writeFile(path, JSON.stringify(broken));
    const other = new Library({ modelsDir: library.layout.root });
    expect(await other.list()).toEqual([]);
    expect(await other.problems()).toHaveLength(1);
  }
});

test('files of a model with the same bytes share a blob, and each keeps its role', async () => {
  const library = new Library({ modelsDir: await temporaryFolder() });
  await mkdir(library.layout.blobs, { recursive: true });
  const input = await ggufInput(library, 'm', { 'm.gguf': 'weights', 'encoder.gguf': 'weights', 'vae.gguf': 'other' });
  const record = await library.install({
    ...input,
    components: [
      { role: 'model', path: 'm.gguf', format: 'gguf' },
      { role: 'text-encoder', path: 'encoder.gguf', format: 'gguf' },
      { role: 'vae', path: 'vae.gguf', format: 'gguf' },
    ],
  });
  expect(await readdir(library.layout.blobs)).toHaveLength(2);
  const [read] = await new Library({ modelsDir: library.layout.root }).list();
  expect(read).toEqual(record);
  expect(await readFile(componentPath(record, 'text-encoder') ?? '', 'utf8')).toBe('weights');
  expect(componentPath(record, 'draft')).toBeUndefined();
});
