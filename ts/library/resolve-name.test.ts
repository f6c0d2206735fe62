import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { displayName, parseModelName } from './names.ts';
import { resolveName } from './resolve-name.ts';
import type { InstallRecord } from './types.ts';

function record(name: string, revision = 'main'): InstallRecord {
  return {
    name: parseModelName(name).name,
    source: {
      scheme: 'huggingface',
      reference: 'o/r',
      revision: { branch: revision, resolvedCommit: 'abcdef0123456789abcdef0123456789abcdef01' },
    },
    artifacts: [],
    components: [{ role: 'model', path: 'y', format: 'gguf' }],
    localPath: '/x',
    installedAt: '2026-01-01T00:00:00.000Z',
    digest: createHash('sha256').update(name).digest('hex'),
    sizeBytes: 1,
  };
}

const RECORDS = [
  record('qwen3:4b'),
  record('Qwen/Qwen3-8B-GGUF:Q4_K_M'),
  record('Qwen/Qwen3-8B-GGUF:Q8_0'),
  record('microsoft/phi-2'),
  record('ai/smollm2'),
  record('docker.io/me/tagged:v1'),
  record('a/twin'),
  record('b/twin'),
  record('c/tagged:latest'),
  record('c/tagged:Q8_0'),
  record('st/model:v2', 'v2'),
];
const ALIASES = new Map([
  ['fast:latest', 'qwen3:4b'],
  ['big:latest', 'hf.co/qwen/qwen3-8b-gguf:q8_0'],
  ['gone:latest', 'not/installed'],
  ['dm:latest', 'library/smollm2'],
]);

const resolve = (input: string, exact = false) =>
  displayName(resolveName(input, RECORDS, (key) => ALIASES.get(key), { exact }).name);

test.each([
  ['an id', createHash('sha256').update('qwen3:4b').digest('hex'), 'qwen3:4b'],
  [
    'twelve digits of an id',
    createHash('sha256').update('qwen3:4b').digest('hex').slice(0, 12).toUpperCase(),
    'qwen3:4b',
  ],
  ['an id with sha256:', `sha256:${createHash('sha256').update('qwen3:4b').digest('hex').slice(0, 20)}`, 'qwen3:4b'],
  ['the exact name in another case', 'QWEN/qwen3-8b-gguf:q8_0', 'Qwen/Qwen3-8B-GGUF:Q8_0'],
  ['an alias', 'fast', 'qwen3:4b'],
  ['an alias in another case, with the tag', 'Big:latest', 'Qwen/Qwen3-8B-GGUF:Q8_0'],
  ['a prefix of the hub', 'huggingface.co/microsoft/phi-2', 'microsoft/phi-2:latest'],
  ['a URL', 'https://huggingface.co/microsoft/phi-2', 'microsoft/phi-2:latest'],
  ['a prefix too many', 'ai/qwen3:4b', 'qwen3:4b'],
  ['a prefix too few', 'smollm2', 'ai/smollm2:latest'],
  ['a registry too few', 'me/tagged:v1', 'docker.io/me/tagged:v1'],
  ['a registry too many', 'docker.io/microsoft/phi-2', 'microsoft/phi-2:latest'],
  ['a prefix behind an alias', 'dm', 'ai/smollm2:latest'],
  ['the last segment', 'phi-2', 'microsoft/phi-2:latest'],
  ['the last segment and tag', 'qwen3-8b-gguf:Q8_0', 'Qwen/Qwen3-8B-GGUF:Q8_0'],
  ['the only tag', 'qwen3', 'qwen3:4b'],
  ['the last segment where one of several is latest', 'tagged', 'c/tagged:latest'],
  ['a revision', 'st/model@v2', 'st/model:v2'],
  ['a commit', 'st/model@abcdef01', 'st/model:v2'],
])('%s resolves', (_, input, expected) => {
  expect(resolve(input)).toBe(expected);
});

test.each([
  ['twin', ['a/twin:latest', 'b/twin:latest']],
  ['Qwen/Qwen3-8B-GGUF', ['Qwen/Qwen3-8B-GGUF:Q4_K_M', 'Qwen/Qwen3-8B-GGUF:Q8_0']],
])('%s is ambiguous, and the candidates are listed', (input, candidates) => {
  expect(() => resolve(input)).toThrow(
    expect.objectContaining({ code: 'ambiguous_model_name', detail: { candidates } }),
  );
});

test.each([
  'nope',
  'a/phi-2',
  'gone',
  'phi-2:Q8_0',
  'sha256:000000000000',
  '000000000000',
  'microsoft/phi-2@v9',
  'gpt-oss:20b-cloud',
])('%s is not found', (input) => {
  expect(() => resolve(input)).toThrow(expect.objectContaining({ code: 'model_not_found' }));
});

test.each(['ai/qwen3:4b', 'smollm2', 'phi-2', 'qwen3', 'dm', 'twin'])('nothing is deleted by the guess %s', (input) => {
  expect(() => resolve(input, true)).toThrow(expect.objectContaining({ code: 'model_not_found' }));
});

test.each(['qwen3:4b', 'hf.co/microsoft/phi-2', 'fast', 'library/qwen3:4b'])(
  '%s is exact enough to delete by',
  (input) => {
    expect(resolve(input, true)).toBeTypeOf('string');
  },
);
