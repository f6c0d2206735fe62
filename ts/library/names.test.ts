import { expect, test } from 'vitest';
import { displayName, nameKey, openAiId, parseModelName, toNamePart } from './names.ts';

test.each([
  ['demo', 'demo:latest', 'demo'],
  ['  Demo:Latest ', 'Demo:Latest', 'Demo'],
  ['llama3.2:1b', 'llama3.2:1b', 'llama3.2:1b'],
  ['library/llama3.2', 'llama3.2:latest', 'llama3.2'],
  ['microsoft/phi-2', 'microsoft/phi-2:latest', 'microsoft/phi-2'],
  ['hf.co/bartowski/X-GGUF:Q4_K_M', 'bartowski/X-GGUF:Q4_K_M', 'bartowski/X-GGUF:Q4_K_M'],
  ['huggingface.co/a/b', 'a/b:latest', 'a/b'],
  ['HF.co/a/b', 'a/b:latest', 'a/b'],
  ['https://huggingface.co/a/b', 'a/b:latest', 'a/b'],
  ['hf://a/b:Q8_0', 'a/b:Q8_0', 'a/b:Q8_0'],
  ['hf.co/gpt2', 'gpt2:latest', 'gpt2'],
  ['qwen3:local', 'qwen3:latest', 'qwen3'],
  ['qwen3:4b:local', 'qwen3:4b', 'qwen3:4b'],
  ['registry.example.com:5000/team/m:v1', 'registry.example.com:5000/team/m:v1', 'registry.example.com:5000/team/m:v1'],
  ['registry.example.com/library/m', 'registry.example.com/library/m:latest', 'registry.example.com/library/m'],
  ['_a/b_c.d-e:f.g', '_a/b_c.d-e:f.g', '_a/b_c.d-e:f.g'],
])('%j is shown as %j, and is %j on /v1/models', (input, display, id) => {
  const { name } = parseModelName(input);
  expect(displayName(name)).toBe(display);
  expect(openAiId(name)).toBe(id);
  expect(nameKey(parseModelName(display).name)).toBe(nameKey(name));
  expect(nameKey(parseModelName(id).name)).toBe(nameKey(name));
});

test('what was written is told from the defaults, and the revision from the name', () => {
  expect(parseModelName('a/b:c@refs/pr/1')).toEqual({
    name: { host: 'hf.co', namespace: 'a', model: 'b', tag: 'c' },
    hasNamespace: true,
    hasTag: true,
    revision: 'refs/pr/1',
  });
  expect(parseModelName('b')).toEqual({
    name: { host: 'hf.co', namespace: 'library', model: 'b', tag: 'latest' },
    hasNamespace: false,
    hasTag: false,
  });
});

test.each([
  '',
  ' ',
  ':',
  '/',
  'a/',
  '/a',
  'a:',
  ':a',
  'a//b',
  'a/b/c/d',
  '../a',
  'a/..',
  '.a',
  '-a',
  'a/.b',
  'a b',
  'a\u0000',
  'a\\b',
  'ä',
  'a:b/c:',
  'a@',
  'a@..',
  'a@b/../c',
  'a@b@c',
  'C:\\model.gguf',
  '/etc/passwd',
  'x'.repeat(81),
  `a:${'x'.repeat(81)}`,
  `${'x'.repeat(81)}/a`,
  `${'x.'.repeat(200)}/a/b`,
  '%2e%2e/a',
  'a?b',
  'ftp://a/b',
])('%j is no name', (input) => {
  expect(() => parseModelName(input)).toThrow(expect.objectContaining({ code: 'invalid_model_name' }));
});

test('names of files become parts of names', () => {
  expect(toNamePart('My Model (v2)', 'x')).toBe('My-Model-v2');
  expect(toNamePart('../..', 'x')).toBe('x');
  expect(toNamePart('ä', 'x')).toBe('x');
  expect(toNamePart('a'.repeat(200), 'x')).toHaveLength(80);
});
