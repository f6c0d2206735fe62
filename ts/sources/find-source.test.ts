import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { OmgError } from '../errors/index.ts';
import { Library, parseModelName } from '../library/index.ts';
import { CATALOG } from './catalog/catalog-data.ts';
import { catalogTarget } from './catalog/catalog-target.ts';
import { findSource } from './find-source.ts';
import { type PullTarget, pullTarget } from './huggingface/pull-target.ts';
import { HuggingFaceSource } from './huggingface/source.ts';
import { QUICK_RETRIES } from './test-settings.ts';

const ENDPOINT = 'http://127.0.0.1:9000/mirror';

async function target(model: string, aliases = ''): Promise<PullTarget> {
  const root = await mkdtemp(join(tmpdir(), 'omg-test-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await writeFile(join(root, 'aliases.yaml'), aliases);
  const library = new Library({ modelsDir: join(root, 'models'), aliasesFile: join(root, 'aliases.yaml') });
  const huggingFace = new HuggingFaceSource({ endpoint: ENDPOINT, retry: QUICK_RETRIES });
  const { source, wanted } = await findSource({ model }, [huggingFace], library);
  expect(source).toBe(huggingFace);
  return pullTarget(wanted, ENDPOINT);
}

test.each([
  ['o/r', { repo: 'o/r' }],
  ['o/r:latest', { repo: 'o/r' }],
  ['o/r:Q4_K_M', { repo: 'o/r', tag: 'Q4_K_M' }],
  ['o/r:Q4_K_M@refs/pr/3', { repo: 'o/r', tag: 'Q4_K_M', revision: 'refs/pr/3' }],
  ['hf.co/o/r@v1.0', { repo: 'o/r', revision: 'v1.0' }],
  ['https://huggingface.co/o/r', { repo: 'o/r' }],
  ['https://huggingface.co/o/r/tree/v2', { repo: 'o/r', revision: 'v2' }],
  ['https://hf.co/o/r/blob/main/a/b%20c.gguf', { repo: 'o/r', revision: 'main', file: 'a/b c.gguf' }],
  ['https://huggingface.co/o/r/resolve/main/config.json', { repo: 'o/r', revision: 'main' }],
  [`${ENDPOINT}/o/r/resolve/main/m.gguf`, { repo: 'o/r', revision: 'main', file: 'm.gguf' }],
  ['qwen3:4b', { repo: CATALOG.qwen3?.['4b'], alias: parseModelName('qwen3:4b').name }],
  ['ai/smollm2', { repo: CATALOG.smollm2?.latest, alias: parseModelName('ai/smollm2').name }],
  ['Library/Qwen3', { repo: CATALOG.qwen3?.latest, alias: parseModelName('Library/Qwen3').name }],
  ['qwen3:0.6b-q8_0', { repo: CATALOG.qwen3?.['0.6b'], tag: 'Q8_0', alias: parseModelName('qwen3:0.6b-q8_0').name }],
])('%s', async (model, expected) => {
  expect(await target(model)).toEqual(expected);
});

test("the user's aliases come before the catalog", async () => {
  expect(await target('qwen3:4b', 'qwen3:4b: my/model:Q8_0@v3\n')).toEqual({
    repo: 'my/model',
    tag: 'Q8_0',
    revision: 'v3',
    alias: parseModelName('qwen3:4b').name,
  });
});

test.each([
  ['nonsense', 'repo_not_found'],
  ['qwen3:999b', 'repo_not_found'],
  ['qwen3:4b-quick', 'repo_not_found'],
  ['hf.co/gpt2', 'repo_not_found'],
  ['https://example.com/o/r', 'unsupported'],
  ['registry.ollama.ai/library/llama3', 'unsupported'],
  ['oci://ghcr.io/o/r', 'unsupported'],
  ['docker://ai/smollm2', 'unsupported'],
  ['https://huggingface.co/', 'invalid_model_name'],
  ['https://huggingface.co/o/%E0%A4%A', 'invalid_model_name'],
  ['../x', 'invalid_model_name'],
])('%s is %s', async (model, code) => {
  await expect(target(model)).rejects.toMatchObject({ code });
});

test('every name of the catalog is a name, and stands for a repository', () => {
  for (const [model, tags] of Object.entries(CATALOG)) {
    expect(tags).toHaveProperty('latest');
    for (const [tag, repo] of Object.entries(tags)) {
      expect(catalogTarget(parseModelName(`${model}:${tag}`).name)).toBe(repo);
      expect(parseModelName(repo)).toMatchObject({ hasNamespace: true, hasTag: false });
    }
  }
});

test.each([
  ['lama3', ['llama3']],
  ['gemma', ['gemma2', 'gemma3']],
  ['deepseek', ['deepseek-r1']],
  ['nomic-embed', ['nomic-embed-text']],
  ['qwen3:9b', ['qwen3:8b']],
  ['xyzzy', []],
])('%s is near %j', async (model, near) => {
  const error = await target(model).catch((thrown: OmgError) => thrown);
  const found = (error as OmgError).detail?.near as string[];
  expect(found).toEqual(expect.arrayContaining(near));
  if (near.length === 0) expect(found).toEqual([]);
});
