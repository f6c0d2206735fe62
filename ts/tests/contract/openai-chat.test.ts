import { afterEach, beforeEach, expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import type { ChatEvent, ChatRequest } from '../../inference/index.ts';
import { call, START, text } from './chat-events.ts';
import { END, play } from './fake-models.ts';
import { type FakeDaemon, fakeDaemon } from './serve-fake.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await fakeDaemon();
});
afterEach(() => daemon.app.close());

interface Chunk {
  id: string;
  created: number;
  object: string;
  choices: { index: number; delta: Record<string, unknown>; finish_reason: string | null }[];
  usage?: unknown;
  error?: { code: string };
}

const messages = [{ role: 'user', content: 'Hi' }];
const post = (payload: object) =>
  daemon.app.inject({
    method: 'POST',
    url: '/v1/chat/completions',
    payload: JSON.stringify({ model: 'demo', messages, ...payload }),
  });
const asked = (): ChatRequest => daemon.models.calls.at(-1)?.request as ChatRequest;

/** Parses a stream and checks what every one must hold: the frames, one id, one time, the end marker. */
function chunksOf(body: string): Chunk[] {
  const frames = body.split('\n\n');
  expect(frames.pop()).toBe('');
  expect(frames.every((frame) => frame.startsWith('data: '))).toBe(true);
  expect(frames.pop()).toBe('data: [DONE]');
  const chunks = frames.map((frame) => JSON.parse(frame.slice(6)) as Chunk);
  const regular = chunks.filter((chunk) => chunk.error === undefined);
  expect(new Set(regular.map(({ id, created, object }) => `${id} ${created} ${object}`)).size).toBeLessThanOrEqual(1);
  return chunks;
}

const answer: ChatEvent[] = [
  START,
  { type: 'reasoning', text: 'hm', tokens: 1 },
  text('a'),
  text('b'),
  call(0),
  call(1),
  { ...END, reason: 'tool-calls' } as ChatEvent,
];

test('a stream goes role, reasoning, content, calls, finish, usage, [DONE] (§14.12)', async () => {
  daemon.models.script = () => play(answer);
  const reply = await post({ stream: true, stream_options: { include_usage: true } });
  expect(reply.headers['content-type']).toBe('text/event-stream');
  const chunks = chunksOf(reply.body);
  expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
    { role: 'assistant', content: '' },
    { reasoning: 'hm', reasoning_content: 'hm' },
    { content: 'a' },
    { content: 'b' },
    { tool_calls: [{ index: 0, id: 'call_0', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] },
    { tool_calls: [{ index: 1, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] },
    {},
    undefined,
  ]);
  expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([
    null,
    null,
    null,
    null,
    null,
    null,
    'tool_calls',
    undefined,
  ]);
  expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
  expect(chunks.at(-1)).toMatchObject({
    choices: [],
    usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10, prompt_tokens_details: { cached_tokens: 2 } },
    timings: { cache_n: 2, prompt_n: 5, predicted_n: 3 },
  });
});

test("an answer tells the engine's own times, streamed or whole", async () => {
  const end = { ...END, timings: { queueMs: 7, prefillMs: 10, decodeMs: 150 } } as ChatEvent;
  daemon.models.script = () => play([START, text('a'), end]);
  const timings = {
    cache_n: 2,
    prompt_n: 5,
    prompt_ms: 10,
    prompt_per_second: 500,
    predicted_n: 3,
    predicted_ms: 150,
    predicted_per_second: 20,
  };
  expect((await post({})).json()).toMatchObject({ timings });
  const streamed = await post({ stream: true, stream_options: { include_usage: true } });
  expect(chunksOf(streamed.body).at(-1)).toMatchObject({ timings });
});

test('without include_usage no chunk has usage', async () => {
  daemon.models.script = () => play([START, text('a'), END]);
  expect(chunksOf((await post({ stream: true })).body).some((chunk) => 'usage' in chunk)).toBe(false);
});

test('the whole answer has the same parts', async () => {
  daemon.models.script = () => play(answer);
  expect((await post({})).json()).toMatchObject({
    id: expect.stringMatching(/^chatcmpl-[0-9a-f]{24}$/),
    object: 'chat.completion',
    system_fingerprint: 'fp_ohmygpu',
    choices: [
      {
        index: 0,
        finish_reason: 'tool_calls',
        logprobs: null,
        message: {
          role: 'assistant',
          content: 'ab',
          refusal: null,
          reasoning: 'hm',
          reasoning_content: 'hm',
          tool_calls: [{ id: 'call_0' }, { id: 'call_1' }],
        },
      },
    ],
  });
  daemon.models.script = () => play([START, call(0), END]);
  expect((await post({ parallel_tool_calls: false })).json().choices[0]).toMatchObject({
    finish_reason: 'tool_calls',
    message: { content: null },
  });
});

test('parallel_tool_calls:false leaves one call', async () => {
  daemon.models.script = () => play(answer);
  expect((await post({ parallel_tool_calls: false })).json().choices[0].message.tool_calls).toHaveLength(1);
});

test('errors: a status before the first token, an error chunk and [DONE] after it (§14.6)', async () => {
  daemon.models.script = () => play([START, new OmgError('out_of_memory', 'no room')]);
  const early = await post({ stream: true });
  expect([early.statusCode, early.json().error]).toMatchObject([
    500,
    { message: 'no room', type: 'api_error', param: null, code: 'out_of_memory' },
  ]);
  daemon.models.script = () => play([START, text('a'), new OmgError('runner_crashed', 'gone')]);
  const chunks = chunksOf((await post({ stream: true })).body);
  expect(chunks.at(-1)?.error).toMatchObject({ code: 'runner_crashed' });
});

test('n answers come interleaved with their own indexes and seeds', async () => {
  daemon.models.script = () => play([START, text('a'), END]);
  const chunks = chunksOf((await post({ n: 3, seed: 5, stream: true, stream_options: { include_usage: true } })).body);
  expect(
    chunks
      .filter(({ choices }) => choices[0]?.finish_reason === 'stop')
      .map(({ choices }) => choices[0]?.index)
      .sort(),
  ).toEqual([0, 1, 2]);
  expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 9 });
  expect(daemon.models.calls.map(({ request }) => (request as ChatRequest).sampling.seed)).toEqual([5, 6, 7]);
});

test('logprobs carry tokens, bytes and alternatives', async () => {
  const logprob = {
    token: 'a',
    tokenId: 3,
    logprob: -0.5,
    bytes: [97],
    top: [{ token: 'b', tokenId: 4, logprob: -1, bytes: [98] }],
  };
  daemon.models.script = () => play([START, { type: 'content', text: 'a', tokens: 1, logprobs: [logprob] }, END]);
  const expected = {
    content: [{ token: 'a', logprob: -0.5, bytes: [97], top_logprobs: [{ token: 'b', logprob: -1, bytes: [98] }] }],
    refusal: null,
  };
  expect((await post({ logprobs: true, top_logprobs: 1 })).json().choices[0].logprobs).toEqual(expected);
  expect(asked().topLogprobs).toBe(1);
});

test('fields reach the engine; max_completion_tokens wins; defaults are 1 where the model says nothing', async () => {
  await post({
    temperature: 0.5,
    max_tokens: 5,
    max_completion_tokens: 6,
    stop: 'x',
    seed: 3,
    logit_bias: { 12: -100 },
    options: { top_k: 7, temperature: 0.1 },
    chat_template_kwargs: { a: 1 },
  });
  expect(asked()).toMatchObject({
    maxTokens: 6,
    stop: ['x'],
    onOverflow: 'error',
    templateVariables: { a: 1 },
    sampling: { temperature: 0.5, topP: 1, topK: 7, seed: 3, logitBias: [[12, -100]] },
  });
  const model = daemon.models.models[0];
  if (model) model.details.parameters = { temperature: 0.3 };
  await post({});
  expect(asked().sampling).toEqual({ topP: 1 });
});

test.each([
  ['none', false],
  ['minimal', 'low'],
  ['high', 'high'],
  ['xhigh', 'max'],
])('reasoning_effort %s is think %s', async (effort, think) => {
  await post({ reasoning_effort: 'low', reasoning: { effort } });
  expect(asked().think).toBe(think);
});

test('an effort is ignored by a model that cannot think; think is not', async () => {
  const model = daemon.models.models[0];
  if (model) model.details.capabilities = ['completion'];
  await post({ reasoning_effort: 'high' });
  expect(asked().think).toBeUndefined();
  expect((await post({ think: true })).json().error).toMatchObject({ code: 'unsupported', param: 'think' });
});

const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];

test('tool_choice none hides the tools; legacy functions are tools', async () => {
  await post({ tools, tool_choice: 'none' });
  expect(asked().tools).toBeUndefined();
  await post({ functions: [{ name: 'g' }] });
  expect(asked().tools).toEqual([{ name: 'g' }]);
});

const g = { type: 'function', function: { name: 'g', strict: true } };
const schema = { type: 'object', properties: { a: { type: 'string' } } };
test.each([
  [{ tools, tool_choice: 'required' }, { toolChoice: 'required' }],
  [{ tools, tool_choice: { type: 'function', function: { name: 'f' } } }, { toolChoice: { name: 'f' } }],
  [{ functions: [{ name: 'f' }], function_call: { name: 'f' } }, { toolChoice: { name: 'f' } }],
  [
    {
      tools: [...tools, g],
      tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [g] } },
      parallel_tool_calls: false,
    },
    { tools: [{ name: 'g', strict: true }], toolChoice: 'required', singleCall: true },
  ],
  [{ response_format: { type: 'text' } }, { outputFormat: undefined }],
  [{ response_format: { type: 'json_object' } }, { outputFormat: { kind: 'json_object' } }],
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'n', schema, strict: true } } },
    { outputFormat: { kind: 'json_schema', schema, strict: true } },
  ],
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'n', schema, strict: false } } },
    { outputFormat: { kind: 'json_schema', schema, strict: false } },
  ],
  [{ response_format: { type: 'json_object', schema } }, { outputFormat: { kind: 'json_schema', schema } }],
  [{ grammar: 'root ::= "a"' }, { outputFormat: { kind: 'gbnf', source: 'root ::= "a"' } }],
  [{ json_schema: schema }, { outputFormat: { kind: 'json_schema', schema, strict: false } }],
  [{ guided_json: JSON.stringify(schema) }, { outputFormat: { kind: 'json_schema', schema, strict: false } }],
  [{ guided_regex: 'a+' }, { outputFormat: { kind: 'regex', pattern: 'a+' } }],
  [{ guided_choice: ['yes', 'no.'] }, { outputFormat: { kind: 'regex', pattern: 'yes|no\\.' } }],
  [{ guided_grammar: 'start: "a"' }, { outputFormat: { kind: 'lark', source: 'start: "a"' } }],
])('%j is asked of the model', async (payload, request) => {
  expect((await post(payload)).statusCode).toBe(200);
  expect(asked()).toMatchObject(request);
});

test.each([
  [{ temperature: 3 }, 'temperature', 'invalid_request'],
  [{ n: 9 }, 'n', 'invalid_request'],
  [{ messages: [] }, 'messages', 'invalid_request'],
  [{ logit_bias: { a: 1 } }, 'logit_bias', 'invalid_request'],
  [{ response_format: { type: 'xml' } }, 'response_format', 'invalid_request'],
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'n' } } },
    'response_format.json_schema.schema',
    'invalid_request',
  ],
  [{ grammar: 'root ::= "a"', guided_regex: 'a' }, 'grammar', 'invalid_request'],
  [{ response_format: { type: 'json_object' }, guided_json: schema }, 'guided_json', 'invalid_request'],
  [{ guided_json: 'nothing' }, 'guided_json', 'invalid_request'],
  [{ tool_choice: 'required' }, 'tool_choice', 'invalid_request'],
  [{ tools, tool_choice: 'sometimes' }, 'tool_choice', 'invalid_request'],
  [{ tools, tool_choice: { type: 'function', function: { name: 'g' } } }, 'tool_choice', 'invalid_request'],
  [{ modalities: ['text', 'audio'] }, 'modalities', 'unsupported'],
  [{ reasoning_effort: 'extreme' }, 'reasoning_effort', 'invalid_request'],
  [
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: 'x' }] }] },
    'messages[0].content[0]',
    'unsupported',
  ],
  [{ messages: [{ role: 'user', content: [{ type: 'file' }] }] }, 'messages[0].content[0]', 'invalid_request'],
  [{ messages: [{ role: 'user', content: null }] }, 'messages[0].content', 'invalid_request'],
])('%j is refused', async (payload, param, code) => {
  const reply = await post(payload);
  expect([reply.statusCode, reply.json().error]).toMatchObject([400, { param, code, type: 'invalid_request_error' }]);
});

test('an unknown model is 404 with its code', async () => {
  const reply = await post({ model: 'x' });
  expect([reply.statusCode, reply.json().error]).toMatchObject([
    404,
    { code: 'model_not_found', type: 'not_found_error', param: 'model' },
  ]);
});

test('the reasoning field can be narrowed', async () => {
  daemon.settings['api.reasoning_field'] = 'reasoning_content';
  daemon.models.script = () => play(answer);
  const message = (await post({})).json().choices[0].message;
  expect([message.reasoning, message.reasoning_content]).toEqual([undefined, 'hm']);
});

test('an over-long prompt says maximum context length and both numbers (§14.13)', async () => {
  daemon.models.script = () =>
    play<ChatEvent>([
      new OmgError('context_length_exceeded', 'The prompt has 90 tokens, the window 80.', {
        detail: { promptTokens: 90, contextLength: 80 },
      }),
    ]);
  const { error } = (await post({})).json();
  expect(error.code).toBe('context_length_exceeded');
  expect(error.message).toMatch(/maximum context length is 80 tokens.*90/);
});
