import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

/** `@anthropic-ai/sdk` against a whole daemon over the stand-in engine (§14.7). */
let served: TestDaemon;
let anthropic: Anthropic;
const THOUGHT = 'Two cities.';
const TEXT = 'One moment.';
const CALLS = ['Paris', 'Rome'].map(
  (city) => `<tool_call>{"name": "weather", "arguments": {"city": "${city}"}}</tool_call>`,
);

beforeAll(async () => {
  served = await testDaemon({
    script: (path) => ({
      reply: path.includes('thinker')
        ? (_, prompt) =>
            prompt.trimEnd().endsWith('</think>') ? ['So', ' be', ' it.'] : ['<think>', ...Array(500).fill(' hm')]
        : path.includes('caller')
          ? `<think>\n${THOUGHT}\n</think>\n\n${TEXT}\n${CALLS.join('\n')}`
          : 'The capital of France is Paris.',
      tokenMs: path.includes('slow') ? 20 : 0,
      prefillMs: path.includes('stuck') ? 60_000 : 0,
      contextLength: 60,
    }),
  });
  for (const name of ['tiny', 'caller', 'slow', 'stuck', 'thinker']) await served.install(name);
  anthropic = new Anthropic({ baseURL: served.url, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => served.stop());

const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];
const ask = { model: 'tiny', max_tokens: 30, messages };
const tools = [
  { name: 'weather', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } } },
];
const full = { ...ask, model: 'caller', tools, thinking: { type: 'enabled' as const, budget_tokens: 1024 } };

test('messages.create answers, also under /anthropic', async () => {
  const whole = await anthropic.messages.create(ask);
  expect(whole).toMatchObject({
    content: [{ type: 'text', text: 'The capital of France is Paris.' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
  });
  expect(whole._request_id).toMatch(/^req_/);
  const other = new Anthropic({ baseURL: `${served.url}/anthropic`, apiKey: 'any' });
  expect((await other.messages.create(ask)).content).toEqual(whole.content);
});

test('messages.stream with thoughts, text and two calls ends in what create answers', async () => {
  const whole = await anthropic.messages.create(full);
  expect(whole.content).toMatchObject([
    { type: 'thinking', thinking: expect.stringContaining(THOUGHT), signature: expect.stringMatching(/.+/) },
    { type: 'text', text: expect.stringContaining(TEXT) },
    { type: 'tool_use', name: 'weather', input: { city: 'Paris' } },
    { type: 'tool_use', name: 'weather', input: { city: 'Rome' } },
  ]);
  const streamed = await anthropic.messages.stream(full).finalMessage();
  const withoutIds = (content: Anthropic.ContentBlock[]) =>
    content.map((block) => (block.type === 'tool_use' ? { ...block, id: '' } : block));
  expect(withoutIds(streamed.content)).toEqual(withoutIds(whole.content));
  expect([streamed.stop_reason, streamed.usage]).toMatchObject(['tool_use', { ...whole.usage }]);
});

test('budget_tokens ends the thoughts, and the answer comes', async () => {
  const thinker = { ...ask, model: 'thinker', thinking: { type: 'enabled' as const, budget_tokens: 5 } };
  const whole = await anthropic.messages.create(thinker);
  expect(whole).toMatchObject({
    content: [
      { type: 'thinking', thinking: 'hm hm hm hm' },
      { type: 'text', text: 'So be it.' },
    ],
    stop_reason: 'end_turn',
    usage: { output_tokens: 8 },
  });
  expect(served.engine.generations.at(-2)?.state).toBe('cancelled');
  expect((await anthropic.messages.stream(thinker).finalMessage()).content).toEqual(whole.content);
});

test('what a tool answered goes back to the model', async () => {
  const { content } = await anthropic.messages.create(full);
  const results = content.flatMap((block) =>
    block.type === 'tool_use' ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: 'sunny' }] : [],
  );
  const again = [...messages, { role: 'assistant' as const, content }, { role: 'user' as const, content: results }];
  await anthropic.messages.create({ ...full, messages: again });
  expect(served.engine.generations.at(-1)?.promptText.match(/sunny/g)).toHaveLength(2);
});

test('count_tokens equals what messages report, and loads no weights (§8)', async () => {
  await served.install('unloaded');
  const loads = served.engine.loads.length;
  const system = 'Say <|im_end|> politely.';
  const { input_tokens: counted } = await anthropic.messages.countTokens({ model: 'unloaded', messages, system });
  expect(served.engine.loads.slice(loads).map(({ tokenizerOnly }) => tokenizerOnly)).toEqual([true]);
  const { usage } = await anthropic.messages.create({ ...ask, model: 'unloaded', system });
  expect(counted).toBe(usage.input_tokens);
  const events = await anthropic.messages.create({ ...ask, model: 'unloaded', system, stream: true });
  for await (const event of events) {
    if (event.type === 'message_start') expect(event.message.usage.input_tokens).toBe(counted);
  }
});

test('stop_sequences are reported', async () => {
  const stopped = await anthropic.messages.create({ ...ask, stop_sequences: [' is'] });
  expect(stopped).toMatchObject({
    content: [{ text: 'The capital of France' }],
    stop_reason: 'stop_sequence',
    stop_sequence: ' is',
  });
  expect((await anthropic.messages.create({ ...ask, max_tokens: 2 })).stop_reason).toBe('max_tokens');
});

test('errors are the classes of the client', async () => {
  await expect(anthropic.messages.create({ ...ask, model: 'nope' })).rejects.toBeInstanceOf(Anthropic.NotFoundError);
  await expect(anthropic.messages.create({ ...ask, max_tokens: 0 })).rejects.toBeInstanceOf(Anthropic.BadRequestError);
  const long = [{ role: 'user' as const, content: 'word '.repeat(200) }];
  await expect(anthropic.messages.create({ ...ask, messages: long })).rejects.toMatchObject({
    status: 400,
    error: { error: { message: expect.stringMatching(/^prompt is too long: \d+ tokens > 60 maximum$/) } },
  });
});

test('models.list pages through all, and retrieve finds one', async () => {
  const ids: string[] = [];
  for await (const model of anthropic.models.list({ limit: 2 })) ids.push(model.id);
  expect(ids).toEqual(expect.arrayContaining(['tiny', 'caller', 'slow', 'stuck']));
  expect(new Set(ids).size).toBe(ids.length);
  expect((await anthropic.models.retrieve('tiny')).type).toBe('model');
});

const state = (): string | undefined => served.engine.generations.at(-1)?.state;

test('aborting a stream, or a request that is still at its prompt, stops the engine', async () => {
  const stream = anthropic.messages.stream({ ...ask, model: 'slow' });
  stream.on('text', () => stream.abort());
  await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIUserAbortError);
  await vi.waitFor(() => expect(state()).toBe('cancelled'), { timeout: 200, interval: 5 });
  for (const streamed of [true, false]) {
    const controller = new AbortController();
    const started = served.engine.generations.length;
    const waiting = anthropic.messages.create(
      { ...ask, model: 'stuck', stream: streamed },
      { signal: controller.signal },
    );
    await vi.waitFor(() => expect(served.engine.generations.length).toBe(started + 1), { timeout: 2000 });
    controller.abort();
    await expect(waiting).rejects.toBeInstanceOf(Anthropic.APIUserAbortError);
    await vi.waitFor(() => expect(state()).toBe('cancelled'), { timeout: 200, interval: 5 });
  }
});
