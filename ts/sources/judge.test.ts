import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import { modelPath, readRegular } from '../library/index.ts';
import { testHub } from './test-hub.ts';
import type { Judge } from './types.ts';

const MB = 1 << 20;
const OUTLINE = { family: 'llama', parameterSize: '1.0B', quantization: 'Q4_K_M' };

/** A header with one text and an array of strings that makes it as long as those of large vocabularies. */
function gguf(architecture: string, tokens: number, size: number): Buffer {
  const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
  const u64 = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
  const text = (value: string) => Buffer.concat([u64(value.length), Buffer.from(value)]);
  const words = Array.from({ length: tokens }, (_, index) => text(`token ${index}`));
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(0),
    u64(2),
    text('general.architecture'),
    u32(8),
    text(architecture),
    text('tokenizer.ggml.tokens'),
    u32(9),
    u32(8),
    u64(tokens),
    ...words,
  ]);
  return Buffer.concat([header, Buffer.alloc(size - header.length, 'weights')]);
}

test('the headers are judged before the weights come, and are a part of the download', async () => {
  const { hub, library, standIn, progress } = await testHub();
  const bytes = gguf('llama', 20_000, 3 * MB);
  standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  let seen: { served: number; sameHeader: boolean; size: number } | undefined;
  const judge: Judge = async (path, { name }) => {
    const read = await readRegular(path, 4 * MB);
    expect(name).toBe('o/r');
    seen = {
      served: standIn.bytesServed,
      sameHeader: read.subarray(0, 400_000).equals(bytes.subarray(0, 400_000)),
      size: read.length,
    };
    return OUTLINE;
  };
  const record = await hub.pull('o/r', { library, judge, onProgress: (line) => progress.push(line) });
  expect(seen).toMatchObject({ sameHeader: true, size: bytes.length });
  expect(seen?.served).toBeLessThan(2 * MB);
  expect(standIn.bytesServed).toBe(bytes.length);
  expect((await readRegular(modelPath(record), 4 * MB)).equals(bytes)).toBe(true);
  expect(progress.at(-1)?.outline).toEqual(OUTLINE);
  expect(await readdir(library.layout.partial)).toEqual([]);
});

test('what the judge refuses brings nothing and leaves nothing, unless it is forced', async () => {
  const { hub, library, standIn } = await testHub();
  standIn.repository('o/r', {
    'config.json': '{"architectures":["WhisperForConditionalGeneration"]}',
    'tokenizer.json': 'x'.repeat(300_000),
    'model.safetensors': Buffer.concat([
      Buffer.from(BigUint64Array.of(2n).buffer),
      Buffer.from('{}'),
      Buffer.alloc(MB),
    ]),
  });
  const refused: string[][] = [];
  const judge: Judge = async (path) => {
    refused.push((await readdir(path)).sort());
    expect((await readRegular(join(path, 'config.json'), MB)).toString()).toContain('Whisper');
    throw new OmgError('unsupported_architecture', 'no');
  };
  await expect(hub.pull('o/r', { library, judge })).rejects.toMatchObject({ code: 'unsupported_architecture' });
  expect(refused).toEqual([['config.json', 'model.safetensors', 'tokenizer.json']]);
  expect(standIn.bytesServed).toBeLessThan(40_000);
  expect(await library.list()).toEqual([]);
  expect(await readdir(library.layout.partial)).toEqual([]);
  await expect(hub.resolveRemote('o/r', library, undefined, judge)).rejects.toMatchObject({
    code: 'unsupported_architecture',
  });
  expect((await hub.pull({ model: 'o/r', force: true }, { library, judge })).artifacts).toHaveLength(3);
  expect(refused).toHaveLength(2);
});

test('asking what a pull would bring leaves nothing behind', async () => {
  const { hub, library, standIn } = await testHub();
  standIn.repository('o/r', { 'm-Q4_K_M.gguf': gguf('llama', 10, MB) });
  const remote = await hub.resolveRemote('o/r', library, undefined, async () => OUTLINE);
  expect(remote).toMatchObject({ totalBytes: MB, outline: OUTLINE });
  expect(await readdir(library.layout.partial)).toEqual([]);
});

test('a file that is here already is judged where it lies', async () => {
  const { hub, library, standIn } = await testHub();
  const bytes = gguf('llama', 10, MB);
  const repository = standIn.repository('o/r', { 'm-Q4_K_M.gguf': bytes });
  await hub.pull('o/r', { library });
  const served = standIn.bytesServed;
  repository.commit('main', { 'README.md': 'new' });
  await hub.pull('o/r', { library, judge: async () => OUTLINE });
  expect(standIn.bytesServed).toBe(served);
});

test('a repository of another kind of model is told as what it is', async () => {
  const { pull, standIn } = await testHub();
  standIn.repository('o/flux', {
    'model_index.json': '{}',
    'transformer/diffusion_pytorch_model.safetensors': 'x',
    'vae/diffusion_pytorch_model.safetensors': 'x',
  });
  await expect(pull('o/flux')).rejects.toMatchObject({
    code: 'no_model_files',
    message: 'o/flux is an image generation model, in parts that work together.',
  });
});
