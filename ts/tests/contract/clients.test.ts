import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstallRecord } from '../../library/index.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;
let ollama: Ollama;
let openai: OpenAI;
const TOOL = {
  type: 'function' as const,
  function: {
    name: 'weather',
    description: 'd',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
};

beforeAll(async () => {
  served = await testDaemon({
    script: (path) => ({
      reply: path.includes('caller')
        ? '<tool_call>{"name": "weather", "arguments": {"city": "Paris"}}</tool_call>'
        : 'The capital of France is Paris.',
      tokenMs: path.includes('slow') ? 20 : 0,
    }),
    hub: async () => ({
      resolveRemote: () => Promise.reject(new Error('nothing is asked of the hub')),
      search: async () => [],
      pull: async (_request, { library, onProgress }) => {
        const files = [{ filename: 'm.gguf', sha256: 'c'.repeat(64), size: 10, completedBytes: 0, cached: false }];
        onProgress?.({ status: 'downloading', totalBytes: 10, completedBytes: 0, files });
        const done = files.map((file) => ({ ...file, completedBytes: 10 }));
        onProgress?.({ status: 'downloading', totalBytes: 10, completedBytes: 10, files: done });
        onProgress?.({ status: 'verifying', totalBytes: 10, completedBytes: 10, files: done });
        return (await library.resolve('tiny')) as InstallRecord;
      },
    }),
  });
  for (const name of ['tiny', 'caller', 'slow']) await served.install(name);
  ollama = new Ollama({ host: served.url });
  openai = new OpenAI({ baseURL: `${served.url}/v1`, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => served.stop());

const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];

test('ollama-js chats, streaming and not (§14.7)', async () => {
  const whole = await ollama.chat({ model: 'tiny', messages });
  expect(whole.message.content).toBe('The capital of France is Paris.');
  let text = '';
  let done = false;
  for await (const part of await ollama.chat({ model: 'tiny', messages, stream: true })) {
    text += part.message.content;
    done = part.done;
  }
  expect([text, done]).toEqual([whole.message.content, true]);
});

test('ollama-js generates, shows, lists, copies, deletes and pulls (§14.7)', async () => {
  expect((await ollama.generate({ model: 'tiny', prompt: 'Hi' })).response).toContain('Paris');
  expect((await ollama.show({ model: 'tiny' })).model_info).toHaveProperty(['general.architecture']);
  expect((await ollama.ps()).models.map(({ name }) => name)).toContain('tiny:latest');
  await ollama.copy({ source: 'tiny', destination: 'other' });
  expect((await ollama.list()).models.map(({ name }) => name)).toContain('other:latest');
  await ollama.delete({ model: 'other' });
  expect((await ollama.list()).models.map(({ name }) => name)).not.toContain('other:latest');
  const lines: string[] = [];
  for await (const line of await ollama.pull({ model: 'owner/repo', stream: true })) lines.push(line.status);
  // How often a file is told of depends on time; the order does not.
  expect([...new Set(lines)]).toEqual([
    'pulling manifest',
    'pulling cccccccccccc',
    'verifying sha256 digest',
    'writing manifest',
    'success',
  ]);
  expect((await ollama.pull({ model: 'owner/repo' })).status).toBe('success');
});

test('ollama-js gets tool calls with object arguments, and errors as errors (§14.7)', async () => {
  const reply = await ollama.chat({ model: 'caller', messages, tools: [TOOL] });
  expect(reply.message.tool_calls?.[0]?.function).toMatchObject({ name: 'weather', arguments: { city: 'Paris' } });
  await expect(ollama.chat({ model: 'nope', messages })).rejects.toThrow("model 'nope' not found");
});

test('ollama-js aborts a stream (§14.7)', async () => {
  const client = new Ollama({ host: served.url });
  const stream = await client.chat({ model: 'slow', messages, stream: true });
  const read = (async () => {
    for await (const _ of stream) stream.abort();
  })();
  await expect(read).rejects.toThrow(/abort/i);
});

test('openai-node chats, streaming and not, with usage (§14.7)', async () => {
  const whole = await openai.chat.completions.create({ model: 'tiny', messages });
  expect(whole.choices[0]?.message.content).toBe('The capital of France is Paris.');
  expect(whole.usage?.total_tokens).toBe((whole.usage?.prompt_tokens ?? 0) + (whole.usage?.completion_tokens ?? 0));
  const runner = openai.chat.completions.stream({ model: 'tiny', messages, stream_options: { include_usage: true } });
  const final = await runner.finalChatCompletion();
  expect(final.choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
  expect(final.usage?.completion_tokens).toBe(whole.usage?.completion_tokens);
});

test('openai-node gets tool calls in a stream (§14.7)', async () => {
  const final = await openai.chat.completions
    .stream({ model: 'caller', messages, tools: [TOOL] })
    .finalChatCompletion();
  expect(final.choices[0]).toMatchObject({ finish_reason: 'tool_calls' });
  expect(final.choices[0]?.message.tool_calls?.[0]).toMatchObject({
    type: 'function',
    function: { name: 'weather', arguments: '{"city":"Paris"}' },
  });
});

test('openai-node lists, retrieves and deletes models, and completes text (§14.7)', async () => {
  await served.install('passing');
  const ids: string[] = [];
  for await (const model of openai.models.list()) ids.push(model.id);
  expect(ids).toContain('passing');
  expect((await openai.models.retrieve('passing')).id).toBe('passing');
  expect((await openai.models.delete('passing')).deleted).toBe(true);
  await expect(openai.models.retrieve('passing')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  const completion = await openai.completions.create({ model: 'tiny', prompt: ['a', 'b'], n: 2 });
  expect(completion.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
});

test('openai-node aborts a stream (§14.7)', async () => {
  const stream = await openai.chat.completions.create({ model: 'slow', messages, stream: true });
  let chunks = 0;
  for await (const _ of stream) {
    chunks += 1;
    stream.controller.abort();
  }
  expect(chunks).toBeGreaterThan(0);
});
