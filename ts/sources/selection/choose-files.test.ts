import { expect, test } from 'vitest';
import { chooseFiles } from './choose-files.ts';
import { quantLabel } from './quantization.ts';

const files = (...names: string[]) => names.map((filename) => ({ filename, size: 1 }));
const names = (chosen: { files: { filename: string }[] }) => chosen.files.map(({ filename }) => filename);
const quants = (...labels: string[]) => files(...labels.map((label) => `Model-7B-${label}.gguf`));

test.each([
  ['Qwen3-4B-Q4_K_M', 'Q4_K_M'],
  ['qwen2.5-0.5b-instruct-q4_k_m', 'Q4_K_M'],
  ['tinyllama-1.1b-chat-v1.0.Q5_0', 'Q5_0'],
  ['Model-UD-Q4_K_XL', 'UD-Q4_K_XL'],
  ['Q8_0/Model-Q8_0-00001-of-00002', 'Q8_0'],
  ['BF16/Model', 'BF16'],
  ['Phi-3-mini-4k-instruct-fp16', 'F16'],
  ['Phi-3-mini-4k-instruct-q4', 'Q4'],
  ['model-IQ4_XS', 'IQ4_XS'],
  ['gpt-oss-20b-mxfp4', 'MXFP4'],
  ['Qwen3-8B-NVFP4', 'NVFP4'],
  ['F16-model-Q6_K', 'Q6_K'],
  ['Llama-3.2-1B', undefined],
  ['AQ4_0B', undefined],
])('the quantisation of %j is %j', (stem, label) => {
  expect(quantLabel(stem)).toBe(label);
});

test.each([
  [['Q8_0', 'Q4_K_M', 'Q4_0', 'F16'], 'Q4_K_M'],
  [['Q8_0', 'Q4_K_S', 'Q5_K_M'], 'Q4_K_S'],
  [['Q8_0', 'Q4_0', 'F16'], 'Q4_0'],
  [['Q8_0', 'Q6_K', 'Q2_K'], 'Q6_K'],
  [['Q2_K', 'Q8_0'], 'Q8_0'],
  [['IQ4_XS', 'Q3_K_M'], 'Q3_K_M'],
  [['F16', 'BF16'], 'BF16'],
  [['Q4_K_XL', 'UD-Q4_K_XL', 'Q5_1'], 'UD-Q4_K_XL'],
  [['UD-Q2_K_XL', 'F32'], 'UD-Q2_K_XL'],
])('of %j the nearest to Q4_K_M is %j', (labels, expected) => {
  expect(chooseFiles('o/r', quants(...labels), {}).quant).toBe(expected);
});

test('the asked quantisation is taken in any case, also a dynamic one, and by the name of a file', () => {
  const all = quants('Q4_K_M', 'UD-Q5_K_XL', 'IQ2_XS');
  expect(chooseFiles('o/r', all, { quant: 'q4_k_m' }).quant).toBe('Q4_K_M');
  expect(chooseFiles('o/r', all, { quant: 'Q5_K_XL' }).quant).toBe('UD-Q5_K_XL');
  expect(chooseFiles('o/r', all, { quant: 'IQ2_XS' }).quant).toBe('IQ2_XS');
  expect(chooseFiles('o/r', all, { quant: 'model-7b-q4_k_m.gguf' }).quant).toBe('Q4_K_M');
  expect(chooseFiles('o/r', all, { file: 'Model-7B-IQ2_XS.gguf' }).quant).toBe('IQ2_XS');
});

test('importance matrices and adapters do not come with a model, a projector does', () => {
  const all = files(
    'mmproj-F16.gguf',
    'mmproj-model-Q8_0.gguf',
    'imatrix.gguf',
    'Model.imatrix.gguf',
    'lora-F16.gguf',
    'Model-Q8_0.gguf',
  );
  expect(names(chooseFiles('o/r', all, {}))).toEqual(['Model-Q8_0.gguf', 'mmproj-F16.gguf']);
});

test('a model takes the projector of its own folder, else the one at the top, and none of another folder', () => {
  const all = files('a/m-Q8_0.gguf', 'a/mmproj-Q8_0.gguf', 'b/m-Q4_K_M.gguf', 'c/m-Q6_K.gguf', 'mmproj-F32.gguf');
  expect(names(chooseFiles('o/r', all, { quant: 'Q8_0' }))).toEqual(['a/m-Q8_0.gguf', 'a/mmproj-Q8_0.gguf']);
  expect(names(chooseFiles('o/r', all, { quant: 'Q4_K_M' }))).toEqual(['b/m-Q4_K_M.gguf', 'mmproj-F32.gguf']);
  const elsewhere = files('a/m-Q8_0.gguf', 'b/mmproj-F16.gguf');
  expect(names(chooseFiles('o/r', elsewhere, {}))).toEqual(['a/m-Q8_0.gguf']);
});

test('a merged model with lora in its name is a model', () => {
  expect(names(chooseFiles('o/r', files('alpaca-lora-7b.Q4_K_M.gguf'), {}))).toEqual(['alpaca-lora-7b.Q4_K_M.gguf']);
});

test('one model without a label is taken', () => {
  expect(names(chooseFiles('o/r', files('ggml-model.gguf', 'README.md'), {}))).toEqual(['ggml-model.gguf']);
});

test('shards come in order, and a set that lacks one is not chosen', () => {
  const set = files(
    'Q8_0/m-Q8_0-00002-of-00002.gguf',
    'Q8_0/m-Q8_0-00001-of-00002.gguf',
    'm-Q4_K_M-00001-of-00003.gguf',
  );
  const chosen = chooseFiles('o/r', set, {});
  expect(names(chosen)).toEqual(['Q8_0/m-Q8_0-00001-of-00002.gguf', 'Q8_0/m-Q8_0-00002-of-00002.gguf']);
  expect(names(chooseFiles('o/r', set, { file: 'Q8_0/m-Q8_0-00002-of-00002.gguf' }))).toHaveLength(2);
});

test('several models of a quantisation are ambiguous and listed; a missing one tells what there is', () => {
  const several = files('m-7b-Q4_K_M.gguf', 'm-13b-Q4_K_M.gguf');
  expect(() => chooseFiles('o/r', several, {})).toThrow(
    expect.objectContaining({
      code: 'invalid_request',
      detail: { available: ['Q4_K_M'], files: ['m-7b-Q4_K_M.gguf', 'm-13b-Q4_K_M.gguf'] },
    }),
  );
  expect(names(chooseFiles('o/r', several, { quant: 'm-13b-Q4_K_M' }))).toEqual(['m-13b-Q4_K_M.gguf']);
  expect(() => chooseFiles('o/r', quants('Q8_0', 'F16'), { quant: 'Q3_K_S' })).toThrow(
    expect.objectContaining({
      code: 'no_model_files',
      hint: 'It has: F16, Q8_0.',
      detail: { available: ['F16', 'Q8_0'] },
    }),
  );
  expect(() => chooseFiles('o/r', quants('IQ2_XS', 'IQ1_S'), {})).toThrow(
    expect.objectContaining({ code: 'no_model_files' }),
  );
});

test.each([
  [['M-Q4_K_M.gguf', 'old/M-Q4_K_M.gguf']],
  [['A/M-Q4_K_M.gguf', 'B/M-Q4_K_M.gguf', 'C/M-Q4_K_M.gguf']],
  [
    [
      'A/M-A-00001-of-00002.gguf',
      'A/M-A-00002-of-00002.gguf',
      'B/M-B-00001-of-00002.gguf',
      'B/M-B-00002-of-00002.gguf',
    ],
  ],
])('of %j the hint names one, and every one has such a name', (all) => {
  const list = files(...all);
  const stems = [...new Set(all.map((name) => name.replace(/(?:-\d{5}-of-\d{5})?\.gguf$/, '')))];
  const chosen = stems.map((stem) => names(chooseFiles('o/r', list, { quant: stem.replaceAll('/', '-') })));
  expect(chosen.flat().sort()).toEqual([...all].sort());
  expect(() => chooseFiles('o/r', list, {})).toThrow(
    expect.objectContaining({ hint: `Name one of them, as in o/r:${stems[0]?.replaceAll('/', '-')}.` }),
  );
});

test('safetensors: one file or a whole set, with companions of the top folder', () => {
  const companions = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json'];
  const single = files(
    ...companions,
    'model.safetensors',
    'consolidated.safetensors',
    'flax_model.msgpack',
    'onnx/config.json',
  );
  const chosen = chooseFiles('o/r', single, {});
  expect(chosen.format).toBe('safetensors');
  expect(names(chosen).sort()).toEqual([...companions, 'model.safetensors'].sort());
  const sharded = files(
    'config.json',
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
    'model.safetensors',
  );
  expect(names(chooseFiles('o/r', sharded, {}))).toHaveLength(3);
});

test('safetensors: other vocabularies come where there is no tokenizer.json', () => {
  const others = ['tekken.json', 'tiktoken.model', 'qwen.tiktoken'];
  const model = ['config.json', 'model.safetensors'];
  expect(names(chooseFiles('o/r', files(...model, ...others), {})).sort()).toEqual([...model, ...others].sort());
  const beside = files(...model, ...others, 'tokenizer.json', 'original/tekken.json');
  expect(names(chooseFiles('o/r', beside, {})).sort()).toEqual([...model, 'tokenizer.json'].sort());
});

test.each<[RegExp, string[]]>([
  [/adapter/, ['adapter_config.json', 'adapter_model.safetensors']],
  [/formats that omg does not read/, ['config.json', 'pytorch_model.bin']],
  [/only parts/, ['m-00001-of-00002.gguf']],
  [/no GGUF or safetensors/, ['README.md']],
])('a repository that cannot be run says why: %s', (message, all) => {
  expect(() => chooseFiles('o/r', files(...all), {})).toThrow(
    expect.objectContaining({ code: 'no_model_files', message: expect.stringMatching(message) }),
  );
});

test('GGUF wins where a repository has both', () => {
  const both = files('config.json', 'model.safetensors', 'model-Q8_0.gguf');
  expect(chooseFiles('o/r', both, {}).format).toBe('gguf');
});
