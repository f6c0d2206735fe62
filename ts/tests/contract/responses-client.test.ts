import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

/** The responses of openai-node against a whole daemon over the stand-in engine (§14.7). */
let served: TestDaemon;
let openai: OpenAI;
const CALLS = ['Paris', 'Rome'].map(
  (city) => `<tool_call>{"name": "weather", "arguments": {"city": "${city}"}}</tool_call>`,
);

beforeAll(async () => {
  served = await testDaemon({
    script: (path) => ({
      reply: path.includes('caller')
        ? `<think>\nTwo cities.\n</think>\n\nOne moment.\n${CALLS.join('\n')}`
        : 'The capital of France is Paris.',
      tokenMs: path.includes('slow') ? 20 : 0,
      contextLength: 60,
      ...(path.includes('dying') ? { crashAfter: { tokens: 2, always: true } } : {}),
    }),
  });
  for (const name of ['tiny', 'caller', 'slow', 'dying']) await served.install(name);
  openai = new OpenAI({ baseURL: `${served.url}/v1`, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => served.stop());

const ask = { model: 'tiny', input: 'What is the capital of France?' };
const tools = [
  {
    type: 'function' as const,
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
    strict: false,
  },
];

test('responses.create and the streamed response say the same', async () => {
  const whole = await openai.responses.create(ask);
  expect([whole.output_text, whole.status]).toEqual(['The capital of France is Paris.', 'completed']);
  const stream = openai.responses.stream(ask);
  let text = '';
  stream.on('response.output_text.delta', ({ delta }) => {
    text += delta;
  });
  const final = await stream.finalResponse();
  expect([text, final.output_text, final.usage?.output_tokens]).toEqual([
    whole.output_text,
    whole.output_text,
    whole.usage?.output_tokens,
  ]);
});

test('a stream with thoughts, text and two calls builds up in the client', async () => {
  const final = await openai.responses.stream({ ...ask, model: 'caller', tools }).finalResponse();
  expect(final.output).toMatchObject([
    { type: 'reasoning', summary: [{ text: expect.stringContaining('Two cities.') }] },
    { type: 'message', content: [{ text: expect.stringContaining('One moment.') }] },
    { type: 'function_call', name: 'weather', arguments: '{"city":"Paris"}' },
    { type: 'function_call', name: 'weather', arguments: '{"city":"Rome"}' },
  ]);
  const input = final.output.flatMap((item) =>
    item.type === 'function_call'
      ? [{ type: 'function_call_output' as const, call_id: item.call_id, output: 'sunny' }]
      : [],
  );
  await openai.responses.create({ ...ask, model: 'caller', tools, input, previous_response_id: final.id });
  const prompt = served.engine.generations.at(-1)?.promptText ?? '';
  expect([prompt.includes(ask.input), prompt.match(/sunny/g)?.length]).toEqual([true, 2]);
  // The same by sending the conversation back, as clients without storing do.
  await openai.responses.create({
    ...ask,
    model: 'caller',
    tools,
    store: false,
    input: [{ role: 'user', content: ask.input }, ...final.output, ...input] as OpenAI.Responses.ResponseInput,
  });
  expect(served.engine.generations.at(-1)?.promptText).toBe(prompt);
});

test('a kept response is retrieved, listed and deleted', async () => {
  const { id, output_text } = await openai.responses.create(ask);
  expect((await openai.responses.retrieve(id)).output_text).toBe(output_text);
  const items: unknown[] = [];
  for await (const item of openai.responses.inputItems.list(id)) items.push(item);
  expect(items).toMatchObject([{ role: 'user', content: [{ type: 'input_text', text: ask.input }] }]);
  await openai.responses.delete(id);
  await expect(openai.responses.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  await expect(openai.responses.create({ ...ask, previous_response_id: id })).rejects.toMatchObject({
    status: 400,
    code: 'previous_response_not_found',
  });
});

test('a length stop is incomplete; a runner that dies is a failed response', async () => {
  const cut = await openai.responses.stream({ ...ask, max_output_tokens: 2 }).finalResponse();
  expect([cut.status, cut.incomplete_details?.reason]).toEqual(['incomplete', 'max_output_tokens']);
  const failed = await openai.responses.stream({ ...ask, model: 'dying' }).finalResponse();
  expect([failed.status, failed.error?.code]).toEqual(['failed', 'server_error']);
});

test('over-long input is 400, or drops whole turns where truncation is auto (§5.4)', async () => {
  const turn = (role: 'user' | 'assistant', words: number) => ({ role, content: 'word '.repeat(words) });
  const input = [turn('user', 30), turn('assistant', 30), { role: 'user' as const, content: 'last' }];
  await expect(openai.responses.create({ ...ask, input })).rejects.toMatchObject({
    status: 400,
    code: 'context_length_exceeded',
    message: expect.stringContaining('maximum context length is 60 tokens'),
  });
  const { response } = await openai.responses.create({ ...ask, input, truncation: 'auto' }).withResponse();
  expect(response.headers.get('x-omg-truncated')).toBe('messages=2');
});

test('aborting a stream stops the engine, and nothing is kept of it', async () => {
  const stream = await openai.responses.create({ ...ask, model: 'slow', stream: true });
  let id = '';
  for await (const event of stream) {
    if (event.type === 'response.created') id = event.response.id;
    if (event.type === 'response.output_text.delta') stream.controller.abort();
  }
  await vi.waitFor(() => expect(served.engine.generations.at(-1)?.state).toBe('cancelled'), {
    timeout: 200,
    interval: 5,
  });
  await expect(openai.responses.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
});
