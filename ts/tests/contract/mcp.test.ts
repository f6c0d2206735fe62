import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Progress } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, codeOf, httpClient, stdioClient } from './mcp-session.ts';
import { bodyOf, draws, type Schema } from './random-body.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;

beforeAll(async () => {
  served = await testDaemon({
    script: (path) =>
      path.includes('encoder')
        ? { contextLength: 12, header: { capabilities: ['embedding'], embeddingLength: 16, chatTemplate: undefined } }
        : {
            // Slow enough that the window is not full before a cancellation arrives.
            tokenMs: 2,
            reply: (_, prompt) =>
              prompt.includes('on and on')
                ? Array.from({ length: 100_000 }, (_, at) => `word${at} `)
                : ['It ', 'is ', prompt.includes('Be brief') ? 'Paris.' : 'the city of Paris.'],
          },
    hub: async () => ({
      search: async (query) => [{ id: `owner/${query}`, downloads: 5, likes: 1, formats: ['gguf'], gated: false }],
      resolveRemote: () => Promise.reject(new Error('not asked for')),
      // A download that ends when it is told to, or with its signal.
      pull: async (_spec, { signal, onProgress }) => {
        const file = { filename: 'm.gguf', sha256: 'ab'.repeat(32), size: 1000, cached: false };
        for (let completedBytes = 0; signal?.aborted !== true; completedBytes = Math.min(500, completedBytes + 250)) {
          const files = [{ ...file, completedBytes }];
          onProgress?.({ status: 'downloading', totalBytes: 1000, completedBytes, files });
          await new Promise((wake) => setTimeout(wake, 20));
        }
        throw new DOMException('stopped', 'AbortError');
      },
    }),
  });
  for (const name of ['tiny', 'encoder']) await served.install(name);
});
afterAll(() => served.stop());

const TRANSPORTS: [string, () => Promise<Client>][] = [
  ['stdio', () => stdioClient({ OMG_HOME: served.config.paths.home, OMG_PORT: String(served.daemon.endpoint.port) })],
  ['Streamable HTTP', () => httpClient(served.url)],
];

describe.each(TRANSPORTS)('over %s', (_name, connect) => {
  let client: Client;
  beforeAll(async () => {
    client = await connect();
  });
  afterAll(() => client.close());

  test('the tools say what they take and give', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual(
      ['chat', 'embed', 'list_models', 'load', 'plan', 'pull', 'search', 'status', 'unload'].sort(),
    );
    for (const tool of tools) {
      expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
      expect(tool.outputSchema).toMatchObject({ type: 'object' });
      expect(tool.annotations?.readOnlyHint).toBeTypeOf('boolean');
    }
    expect(client.getServerVersion()).toMatchObject({ name: 'ohmygpu' });
  });

  test('chat answers with the text and with what it took', async () => {
    const result = await call(client, 'chat', { model: 'tiny', prompt: 'Where?', system: 'Be brief', temperature: 0 });
    expect(result.content).toEqual([{ type: 'text', text: 'It is Paris.' }]);
    expect(result.structuredContent).toMatchObject({ model: 'tiny', content: 'It is Paris.', finish_reason: 'stop' });
    expect(result.structuredContent?.usage).toMatchObject({
      completion_tokens: served.engine.generations.at(-1)?.tokens,
    });
    expect(served.engine.generations.at(-1)?.request.sampling.temperature).toBe(0);
  });

  test('chat takes a conversation, and the one model that is there', async () => {
    const messages = [
      { role: 'user', content: 'Where is it?' },
      { role: 'assistant', content: 'Somewhere.' },
      { role: 'user', content: 'Where exactly?' },
    ];
    const { structuredContent } = await call(client, 'chat', { messages });
    expect(structuredContent).toMatchObject({
      content: 'It is the city of Paris.',
      model: expect.stringMatching(/^tiny/),
    });
    expect(served.engine.generations.at(-1)?.promptText).toMatch(/Where is it\?.*Somewhere\..*Where exactly\?/s);
  });

  test('what is asked wrongly is an error that names it', async () => {
    const wrong: [string, Record<string, unknown>, RegExp][] = [
      ['chat', { model: 'tiny', prompt: 'x', temperatur: 1 }, /temperatur/],
      ['chat', { model: 'tiny', prompt: 'x', max_tokens: 0 }, /max_tokens/],
      ['chat', { model: 'tiny' }, /prompt or messages/],
      ['pull', { model: '' }, /model/],
      ['search', { query: 'x', limit: 1000 }, /limit/],
      ['nothing', {}, /nothing/],
    ];
    for (const [name, args, text] of wrong) {
      const result = await call(client, name, args);
      expect(result.isError, name).toBe(true);
      expect(JSON.stringify(result.content)).toMatch(text);
    }
  });

  test('an error of the daemon keeps its code and its hint', async () => {
    const result = await call(client, 'chat', { model: 'nope', prompt: 'x' });
    expect(codeOf(result)).toBe('model_not_found');
    expect(result._meta?.['ohmygpu/error']).toMatchObject({ hint: expect.any(String) });
    expect(codeOf(await call(client, 'unload', { model: 'nope' }))).toBe('model_not_found');
  });

  test('the models and the daemon describe themselves', async () => {
    const { structuredContent: list } = await call(client, 'list_models', {});
    const models = list?.models as { name: string; size_bytes: number }[];
    expect(models.find(({ name }) => name === 'tiny:latest')?.size_bytes).toBeGreaterThan(0);
    const { structuredContent: status } = await call(client, 'status', {});
    expect(status).toMatchObject({ status: 'ok', installed: models.length, downloading: [] });
  });

  test('a model is loaded, planned and taken out of memory', async () => {
    expect((await call(client, 'load', { model: 'tiny', keep_alive: '1m' })).structuredContent).toMatchObject({
      model: 'tiny:latest',
      device: expect.any(String),
      expires_at: expect.stringContaining('T'),
    });
    expect((await call(client, 'plan', { model: 'tiny', context_length: 64 })).structuredContent).toMatchObject({
      fits: true,
      total_bytes: expect.any(Number),
    });
    const unload = () => call(client, 'unload', { model: 'tiny' });
    expect((await unload()).structuredContent).toEqual({ model: 'tiny', unloaded: true });
    expect((await unload()).structuredContent).toEqual({ model: 'tiny', unloaded: false });
  });

  test('search asks the hub', async () => {
    expect((await call(client, 'search', { query: 'phi' })).structuredContent).toEqual({
      models: [{ id: 'owner/phi', downloads: 5, likes: 1, formats: ['gguf'], gated: false }],
    });
  });

  test('embed gives a vector of unit length per text, and says where a model cannot', async () => {
    const { structuredContent } = await call(client, 'embed', { input: ['a b', 'c', 'a b'], dimensions: 8 });
    const { model, embeddings } = structuredContent as { model: string; embeddings: number[][] };
    expect([model, embeddings.map(({ length }) => length)]).toEqual(['encoder:latest', [8, 8, 8]]);
    expect(embeddings[0]).toEqual(embeddings[2]);
    for (const vector of embeddings) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    expect(codeOf(await call(client, 'embed', { model: 'tiny', input: 'a' }))).toBe('unsupported');
    const long = Array.from({ length: 50 }, (_, at) => `w${at}`).join(' ');
    expect(codeOf(await call(client, 'embed', { input: long }))).toBe('context_length_exceeded');
    expect((await call(client, 'embed', { input: long, truncate: true })).isError).not.toBe(true);
  });

  test('a chat reports its progress in rising numbers, and stops when it is cancelled', async () => {
    const controller = new AbortController();
    const seen: Progress[] = [];
    const running = call(
      client,
      'chat',
      { model: 'tiny', prompt: 'Go on and on', max_tokens: 50_000 },
      {
        signal: controller.signal,
        onprogress: (progress) => {
          seen.push(progress);
          if (seen.length === 3) controller.abort();
        },
      },
    );
    await expect(running).rejects.toThrow();
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(seen.every(({ progress }, at) => at === 0 || progress > (seen[at - 1]?.progress ?? 0))).toBe(true);
    expect(seen.at(-1)).toMatchObject({ total: 50_000, message: expect.stringContaining('word') });
    await expect.poll(() => served.engine.generations.at(-1)?.state).toBe('cancelled');
  });

  test('a pull reports bytes, and a cancelled one stops', async () => {
    const controller = new AbortController();
    const seen: Progress[] = [];
    const pulling = call(
      client,
      'pull',
      { model: 'owner/model' },
      {
        signal: controller.signal,
        onprogress: (progress) => {
          seen.push(progress);
          if (progress.progress >= 500) controller.abort();
        },
      },
    );
    await expect(pulling).rejects.toThrow();
    expect(seen.at(-1)).toMatchObject({ total: 1000 });
    await expect.poll(async () => (await served.client.status()).models.downloading).toEqual([]);
  });

  test('arguments made up from the schemas are answered, and the session lives', async () => {
    const draw = draws(20_26);
    const { tools } = await client.listTools();
    // A pull waits for what the test does not give.
    for (const { name, inputSchema } of tools.filter((tool) => tool.name !== 'pull')) {
      for (let round = 0; round < 12; round++) {
        const args = bodyOf(inputSchema as Schema, draw, draw.pick([0, 0.03, 0.2]));
        const isObject = typeof args === 'object' && args !== null && !Array.isArray(args);
        const result = await call(client, name, isObject ? (args as Record<string, unknown>) : { args });
        if (result.isError === true) expect(codeOf(result), `${name} ${JSON.stringify(args)}`).not.toBe('internal');
      }
    }
    expect((await call(client, 'status', {})).structuredContent).toMatchObject({ status: 'ok' });
  });

  test('the models are resources', async () => {
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(
      expect.arrayContaining(['omg://status', 'omg://models/tiny%3Alatest']),
    );
    const [content] = (await client.readResource({ uri: 'omg://models/tiny%3Alatest' })).contents;
    expect(content).toMatchObject({ mimeType: 'application/json' });
    expect(JSON.parse((content as { text: string }).text)).toMatchObject({ name: 'tiny:latest' });
    await expect(client.readResource({ uri: 'omg://models/nope' })).rejects.toMatchObject({ code: -32002 });
    const { completion } = await client.complete({
      ref: { type: 'ref/resource', uri: 'omg://models/{name}' },
      argument: { name: 'name', value: 'ti' },
    });
    expect(completion.values).toEqual(['tiny%3Alatest']);
  });
});
