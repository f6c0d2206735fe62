import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from '../../client/index.ts';
import { ROOT } from './omg.ts';
import { type RealDaemon, realDaemon } from './real-daemon.ts';

// The real addon with the small encoders that the engine is tested with: imported from folders and files, asked by the npm clients.

const ENCODERS = join(ROOT, 'crates/omg-models/tests/fixtures/encoders');
let daemon: RealDaemon;
let url: string;
let ollama: Ollama;
let openai: OpenAI;

interface Expected {
  texts: { text: string; tokens: number[]; vector: number[] }[];
  pairs: { query: string; document: string; tokens: number[]; score: number }[];
}

async function expected(name: string): Promise<Expected> {
  return JSON.parse(await readFile(join(ENCODERS, name, 'expected.json'), 'utf8')) as Expected;
}

beforeAll(async () => {
  daemon = await realDaemon();
  url = daemon.url;
  const { hostname, port } = new URL(url);
  const client = new Client([{ host: hostname, port: Number(port) }], '');
  ollama = new Ollama({ host: url });
  openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'x' });
  await client.importModel(join(ENCODERS, 'mean'), { name: 'mean', copy: true });
  await client.importModel(join(ENCODERS, 'mean', 'model.gguf'), { name: 'mean-gguf', copy: true });
  await client.importModel(join(ENCODERS, 'rank'), { name: 'rank', copy: true });
});

afterAll(() => daemon?.stop());

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

test('both clients get the vectors of sentence-transformers', async () => {
  const { texts } = await expected('mean');
  const input = texts.map(({ text }) => text);
  const { embeddings, prompt_eval_count } = await ollama.embed({ model: 'mean', input });
  expect(prompt_eval_count).toBe(texts.reduce((sum, { tokens }) => sum + Math.min(tokens.length, 32), 0));
  const answer = await openai.embeddings.create({ model: 'mean', input });
  for (const [index, { text, vector }] of texts.entries()) {
    expect(cosine(embeddings[index] ?? [], vector), text).toBeGreaterThan(0.99999);
    expect([...(answer.data[index]?.embedding ?? [])], text).toEqual(embeddings[index]);
  }
  const gguf = await ollama.embed({ model: 'mean-gguf', input: input.slice(0, 3) });
  for (const [index, vector] of gguf.embeddings.entries()) {
    expect(cosine(vector, texts[index]?.vector ?? [])).toBeGreaterThan(0.99999);
  }
});

test('documents are scored as transformers scores them', async () => {
  const { pairs } = await expected('rank');
  const [first] = pairs;
  const same = pairs.filter(({ query }) => query === first?.query);
  const reply = await fetch(`${url}/v1/rerank`, {
    method: 'POST',
    body: JSON.stringify({ model: 'rank', query: first?.query, documents: same.map(({ document }) => document) }),
  });
  const { results } = (await reply.json()) as { results: { index: number; relevance_score: number }[] };
  expect(results).toHaveLength(same.length);
  for (const { index, relevance_score } of results) expect(relevance_score).toBeCloseTo(same[index]?.score ?? 0, 2);
  expect(results.map(({ relevance_score }) => relevance_score)).toEqual(
    results.map(({ relevance_score }) => relevance_score).sort((a, b) => b - a),
  );
});

test('a text that is too long is an error with both numbers where it may not be cut', async () => {
  const long = ollama.embed({ model: 'mean', input: 'the '.repeat(100), truncate: false });
  await expect(long).rejects.toThrow(/input length exceeds the context length.*102 tokens.*32/);
});

test('capabilities are shown, and chat on an encoder is refused without loading it', async () => {
  const { models } = await ollama.list();
  const shown = await ollama.show({ model: 'rank' });
  expect(models.find(({ name }) => name === 'mean:latest')).toMatchObject({ capabilities: ['embedding'] });
  expect(shown.capabilities).toEqual(['rerank']);
  await expect(ollama.chat({ model: 'mean', messages: [{ role: 'user', content: 'hi' }] })).rejects.toThrow(
    '"mean" does not support chat',
  );
  await expect(ollama.embed({ model: 'rank', input: 'hi' })).rejects.toThrow('"rank" does not support embeddings');
});

test('leaving a long list ends the work, and the model answers the next request', async () => {
  const controller = new AbortController();
  const body = JSON.stringify({
    model: 'mean',
    input: Array.from({ length: 20_000 }, (_, n) => `the cat ${n} sat on a mat`),
  });
  const gone = fetch(`${url}/api/embed`, { method: 'POST', body, signal: controller.signal });
  const left = expect(gone).rejects.toThrow();
  await expect.poll(async () => (await ollama.ps()).models.length, { timeout: 20_000 }).toBeGreaterThan(0);
  controller.abort();
  await left;
  const { embeddings } = await ollama.embed({ model: 'mean', input: 'the cat' });
  expect(embeddings[0]).toHaveLength(32);
});
