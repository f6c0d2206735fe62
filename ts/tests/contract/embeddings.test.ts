import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJson } from './read-json.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

/** Vectors and scores over the stand-in engine, which counts words: the wire, the limits and the refusals. */
let served: TestDaemon;
const WINDOW = 12;

beforeAll(async () => {
  served = await testDaemon({
    script: (path) =>
      path.includes('encoder')
        ? {
            contextLength: WINDOW,
            header: { capabilities: ['embedding'], embeddingLength: 16, chatTemplate: undefined },
          }
        : path.includes('ranker')
          ? { contextLength: WINDOW, header: { capabilities: ['rerank'], chatTemplate: undefined } }
          : {},
  });
  for (const name of ['encoder', 'ranker', 'tiny']) await served.install(name);
});
afterAll(() => served.stop());

const post = (path: string, body: object) => fetch(served.url + path, { method: 'POST', body: JSON.stringify(body) });
const words = (count: number) => Array.from({ length: count }, (_, index) => `w${index}`).join(' ');
const norm = (vector: number[]) => Math.hypot(...vector);

test('/api/embed gives vectors of length 1 in the order of the texts, with counts and durations', async () => {
  const reply = await post('/api/embed', { model: 'encoder', input: ['a b c', 'd', 'a b c'] });
  const body = await readJson(reply);
  expect(reply.status).toBe(200);
  expect(body).toMatchObject({
    model: 'encoder',
    prompt_eval_count: 7,
    total_duration: expect.any(Number),
    load_duration: expect.any(Number),
  });
  expect(body.embeddings).toHaveLength(3);
  expect(body.embeddings[0] ?? []).toEqual(body.embeddings[2]);
  expect(body.embeddings[0] ?? []).not.toEqual(body.embeddings[1]);
  for (const vector of body.embeddings) expect(norm(vector)).toBeCloseTo(1, 5);
  const one = await readJson(await post('/api/embed', { model: 'encoder', input: 'd' }));
  expect(one.embeddings).toEqual([body.embeddings[1]]);
});

test('dimensions cut a vector before its length becomes 1, and more than there are is an error', async () => {
  const cut = await readJson(await post('/api/embed', { model: 'encoder', input: 'a b c d e', dimensions: 4 }));
  expect(cut.embeddings[0]).toHaveLength(4);
  expect(norm(cut.embeddings[0] ?? [])).toBeCloseTo(1, 5);
  expect((await post('/api/embed', { model: 'encoder', input: 'a', dimensions: 17 })).status).toBe(400);
  expect((await post('/v1/embeddings', { model: 'encoder', input: 'a', dimensions: 17 })).status).toBe(400);
});

test('without a text the model is loaded, or unloaded', async () => {
  for (const input of [undefined, '', []]) {
    const body = await readJson(await post('/api/embed', { model: 'encoder', input }));
    expect(body).toMatchObject({ embeddings: [], prompt_eval_count: 0 });
  }
  expect(await readJson(await post('/api/embeddings', { model: 'encoder' }))).toEqual({ embedding: [] });
  const running = async () => (await readJson(await fetch(`${served.url}/api/ps`))).models.map(({ name }) => name);
  expect(await running()).toContain('encoder:latest');
  await post('/api/embed', { model: 'encoder', keep_alive: 0 });
  expect(await running()).not.toContain('encoder:latest');
});

test('/api/embeddings gives one vector as the model makes it', async () => {
  const body = await readJson(await post('/api/embeddings', { model: 'encoder', prompt: 'a a a b' }));
  expect(body.embedding).toHaveLength(16);
  expect(norm(body.embedding)).toBeGreaterThan(1.5);
});

test('a text over the window is cut where the surface cuts, else it is an error with both numbers', async () => {
  const long = ['short', words(30)];
  const cut = await readJson(await post('/api/embed', { model: 'encoder', input: long }));
  expect(cut.prompt_eval_count).toBe(1 + WINDOW);
  const strict = await post('/api/embed', { model: 'encoder', input: long, truncate: false });
  const { error } = await readJson(strict);
  expect([strict.status, error]).toEqual([400, expect.stringContaining('the input length exceeds the context length')]);
  expect(error).toMatch(/\b30\b.*\b12\b/);
  const older = await post('/api/embeddings', { model: 'encoder', prompt: words(30) });
  expect([older.status, (await readJson(older)).error]).toEqual([400, expect.stringContaining('context length')]);
  const openai = await post('/v1/embeddings', { model: 'encoder', input: long });
  expect([openai.status, openai.headers.get('x-omg-truncated')]).toEqual([200, 'texts=1']);
});

test('the wrong kind of input is 400 in the words of each surface', async () => {
  for (const input of [5, { a: 1 }, [1, 2], ['a', 1]]) {
    const reply = await post('/api/embed', { model: 'encoder', input });
    expect([reply.status, (await readJson(reply)).error]).toEqual([400, 'invalid input type']);
  }
  for (const input of [undefined, [], {}, ['a', 1]]) {
    const reply = await post('/v1/embeddings', { model: 'encoder', input });
    expect([reply.status, (await readJson(reply)).error.message]).toEqual([400, 'invalid input']);
  }
  for (const input of [
    [1, 2],
    [[1, 2], [3]],
  ]) {
    const reply = await post('/v1/embeddings', { model: 'encoder', input });
    expect([reply.status, (await readJson(reply)).error]).toMatchObject([
      400,
      { message: expect.stringContaining('token'), param: 'input' },
    ]);
  }
});

test('a model that is not there has the words of its surface', async () => {
  const ollama = async (path: string, body: object) => {
    const reply = await post(path, body);
    return [reply.status, (await readJson(reply)).error];
  };
  const missing = 'model "nope" not found, try pulling it first';
  expect(await ollama('/api/embed', { model: 'nope', input: 'a' })).toEqual([404, missing]);
  expect(await ollama('/api/embeddings', { model: 'nope', prompt: 'a' })).toEqual([404, missing]);
  expect(await ollama('/api/embed', { input: 'a' })).toEqual([404, "model '' not found"]);
  expect(await ollama('/api/embeddings', { prompt: 'a' })).toEqual([400, 'model is required']);
  const openai = await post('/v1/embeddings', { model: 'nope', input: 'a' });
  expect([openai.status, (await readJson(openai)).error]).toMatchObject([404, { code: 'model_not_found' }]);
});

test('a model is refused what it is not made for, before it is loaded', async () => {
  const asked: [string, object][] = [
    ['/api/embed', { model: 'tiny', input: 'a' }],
    ['/api/embeddings', { model: 'tiny', prompt: 'a' }],
    ['/v1/embeddings', { model: 'tiny', input: 'a' }],
    ['/v1/embeddings', { model: 'ranker', input: 'a' }],
    ['/v1/rerank', { model: 'encoder', query: 'q', documents: ['a'] }],
    ['/api/chat', { model: 'encoder', messages: [{ role: 'user', content: 'hi' }] }],
    ['/api/generate', { model: 'encoder', prompt: 'hi' }],
    ['/v1/chat/completions', { model: 'encoder', messages: [{ role: 'user', content: 'hi' }] }],
    ['/v1/completions', { model: 'ranker', prompt: 'hi' }],
    ['/v1/responses', { model: 'encoder', input: 'hi' }],
    ['/v1/messages', { model: 'encoder', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }],
  ];
  const before = served.engine.loads.length;
  for (const [path, body] of asked) {
    const reply = await post(path, body);
    expect([reply.status, JSON.stringify(await reply.json())], path).toEqual([
      400,
      expect.stringContaining('does not support'),
    ]);
  }
  expect(served.engine.loads.length).toBe(before);
});

test('documents come by falling score, at most top_n, on every path reranking has', async () => {
  const body = { model: 'ranker', query: 'red fox', documents: ['a dog', 'the red fox', { text: 'a fox' }] };
  const paths = ['/rerank', '/score', '/v1/rerank', '/v1/score', '/engines/rerank', '/engines/llama.cpp/rerank'];
  for (const path of paths) {
    const reply = await readJson(await post(path, body));
    expect(reply, path).toEqual({
      model: 'ranker',
      results: [
        { index: 1, relevance_score: 2 },
        { index: 2, relevance_score: 1 },
        { index: 0, relevance_score: 0 },
      ],
      usage: { prompt_tokens: 13, total_tokens: 13 },
    });
  }
  const best = await readJson(await post('/v1/rerank', { ...body, top_n: 1, return_documents: true }));
  expect(best.results).toEqual([{ index: 1, relevance_score: 2, document: { text: 'the red fox' } }]);
  const long = { ...body, documents: [words(30)] };
  expect((await readJson(await post('/v1/rerank', long))).error.code).toBe('context_length_exceeded');
  const cut = await post('/v1/rerank', { ...long, truncate: true });
  expect([cut.status, cut.headers.get('x-omg-truncated')]).toEqual([200, 'texts=1']);
  expect((await post('/v1/rerank', { model: 'ranker', query: 'q', documents: [] })).status).toBe(400);
});

test('lists and modes say what a model is for', async () => {
  const tags = (await readJson(await fetch(`${served.url}/api/tags`))).models as {
    name: string;
    capabilities: string[];
  }[];
  const of = (name: string) => tags.find((model) => model.name === `${name}:latest`)?.capabilities;
  expect([of('encoder'), of('ranker')]).toEqual([['embedding'], ['rerank']]);
  const shown = await readJson(await post('/api/show', { model: 'encoder' }));
  expect(shown.capabilities).toEqual(['embedding']);
  await post('/api/embed', { model: 'encoder' });
  await post('/v1/rerank', { model: 'ranker', query: 'q', documents: ['d'] });
  const modes = (await (await fetch(`${served.url}/engines/ps`)).json()) as { model_name: string; mode: string }[];
  const modeOf = (name: string) => modes.find(({ model_name }) => model_name === `${name}:latest`)?.mode;
  expect([modeOf('encoder'), modeOf('ranker')]).toEqual(['embedding', 'reranking']);
  const metrics = await (await fetch(`${served.url}/metrics`)).text();
  expect(metrics).toMatch(/omg_requests_total\{[^}]*mode="embedding"[^}]*status="ok"[^}]*\} [1-9]/);
  expect(metrics).toMatch(/omg_requests_total\{[^}]*mode="reranking"[^}]*status="ok"[^}]*\} [1-9]/);
});

test('the npm clients of Ollama and OpenAI read the vectors, OpenAI as base64 too', async () => {
  const ollama = new Ollama({ host: served.url });
  const openai = new OpenAI({ baseURL: `${served.url}/v1`, apiKey: 'x' });
  const { embeddings } = await ollama.embed({ model: 'encoder', input: ['a b', 'c'] });
  const older = await ollama.embeddings({ model: 'encoder', prompt: 'a b' });
  const unit = older.embedding.map((value) => value / norm(older.embedding));
  unit.forEach((value, at) => {
    expect(value).toBeCloseTo(embeddings[0]?.[at] ?? Number.NaN, 5);
  });
  // Without a format the client asks for base64 and decodes it.
  const decoded = await openai.embeddings.create({ model: 'encoder', input: ['a b', 'c'] });
  const floats = await openai.embeddings.create({ model: 'encoder', input: ['a b', 'c'], encoding_format: 'float' });
  expect(decoded.data.map(({ embedding }) => [...embedding])).toEqual(floats.data.map(({ embedding }) => embedding));
  expect(floats.data.map(({ embedding }) => embedding)).toEqual(embeddings);
  expect(floats.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
  const raw = await readJson(await post('/v1/embeddings', { model: 'encoder', input: 'a', encoding_format: 'base64' }));
  expect(Buffer.from(raw.data[0]?.embedding ?? '', 'base64').length).toBe(16 * 4);
});
