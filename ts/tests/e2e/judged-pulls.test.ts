import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunnerEngine } from '../../engine/index.ts';
import { demoModel, Library, modelPath } from '../../library/index.ts';
import { judgeRemote } from '../../lifecycle/index.ts';
import { Hub, type Judge } from '../../sources/index.ts';
import { HubStandIn } from '../hub-stand-in/index.ts';

let root: string;
let standIn: HubStandIn;
let engine: RunnerEngine;
let hub: Hub;
let library: Library;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'omg-test-'));
  await mkdir(join(root, 'models'));
  standIn = await HubStandIn.start();
  engine = new RunnerEngine();
  hub = new Hub({ endpoint: standIn.url, proxy: { http: '', https: '', no: '*' } });
  library = new Library({ modelsDir: join(root, 'models') });
});

afterAll(async () => {
  await engine.close();
  await hub.close();
  await standIn.close();
  await rm(root, { recursive: true, force: true });
});

const judge: Judge = (path, about) => judgeRemote(engine, path, about);

/** A safetensors file of tensors with four rows, all zero: their types and bytes by their names. */
function safetensors(tensors: Record<string, [type: string, bytes: number]>): Buffer {
  let at = 0;
  const entries = Object.entries(tensors).map(([name, [dtype, bytes]]) => {
    const item = dtype === 'F16' ? 2 : 4;
    at += bytes;
    return [name, { dtype, shape: [4, bytes / 4 / item], data_offsets: [at - bytes, at] }];
  });
  const header = JSON.stringify(Object.fromEntries(entries));
  const length = Buffer.from(BigUint64Array.of(BigInt(header.length)).buffer);
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(at)]);
}

const LLAMA = {
  architectures: ['LlamaForCausalLM'],
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  rms_norm_eps: 1e-5,
  vocab_size: 256,
  max_position_embeddings: 128,
};

test('the engine judges a model by what a few ranges of it hold, as it judges the whole', async () => {
  const path = await demoModelPath();
  standIn.repository('o/demo', { 'demo-Q8_0.gguf': await readFile(path) });
  const remote = await hub.resolveRemote('o/demo', library, undefined, judge);
  const header = await engine.inspect(path);
  expect(remote.outline).toMatchObject({ family: header.architecture, quantization: header.quantization });
  expect(remote.outline?.memory?.fits).toBe(true);
  await expect(hub.pull('o/demo', { library, judge })).resolves.toMatchObject({ sizeBytes: header.sizeBytes });
});

test.each([
  [
    'speech recognition',
    { 'config.json': '{"architectures":["WhisperForConditionalGeneration"]}' },
    'F32',
    'unsupported_architecture',
    'o/x cannot run here: it is a speech recognition model. The model family `WhisperForConditionalGeneration` is not supported',
  ],
  [
    'GPTQ',
    { 'config.json': JSON.stringify({ ...LLAMA, quantization_config: { quant_method: 'gptq', bits: 4 } }) },
    'I32',
    'unsupported_quantization',
    'o/x cannot run here: its weights are quantised with GPTQ.',
  ],
  [
    'MLX',
    { 'config.json': JSON.stringify({ ...LLAMA, quantization: { group_size: 64, bits: 4 } }) },
    'U32',
    'unsupported_quantization',
    'o/x cannot run here: its weights are quantised with MLX.',
  ],
])('%s is refused before its weights come', async (_, files, type, code, message) => {
  const weights = safetensors({
    'model.embed_tokens.weight': ['F16', 1 << 10],
    'model.layers.0.self_attn.q_proj.weight': [type, 4 << 20],
  });
  standIn.repository('o/x', { ...files, 'tokenizer.json': '{}', 'model.safetensors': weights });
  const before = standIn.bytesServed;
  const error = await hub.pull('o/x', { library, judge }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code,
    message: expect.stringContaining(message),
    hint: expect.stringContaining('--force'),
  });
  expect(standIn.bytesServed - before).toBeLessThan(2 << 20);
});

test('a file that is no model, and a model without a tokenizer, are errors and install nothing', async () => {
  standIn.repository('o/text', { 'data.gguf': 'only text' });
  await expect(hub.pull('o/text', { library, judge })).rejects.toMatchObject({
    code: 'invalid_model_file',
    message: 'o/text cannot run here. Not a GGUF file.',
  });
  const weights = safetensors({ 'model.embed_tokens.weight': ['F32', 1 << 10] });
  standIn.repository('o/mute', { 'config.json': JSON.stringify(LLAMA), 'model.safetensors': weights });
  await expect(hub.pull('o/mute', { library, judge })).rejects.toMatchObject({ code: 'invalid_model_file' });
  const names = (await library.list()).map(({ source }) => source.reference);
  expect(names).not.toContain('o/text');
  expect(names).not.toContain('o/mute');
});

async function demoModelPath(): Promise<string> {
  const lone = new Library({ modelsDir: join(root, 'models'), bundled: [demoModel()] });
  return modelPath(await lone.resolve('demo'));
}
