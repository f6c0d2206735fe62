import { afterEach, beforeEach, expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import type { ChatEvent, ChatRequest } from '../../inference/index.ts';
import { readMessageStream } from './anthropic-stream.ts';
import { answer, call, end, START, text, thought } from './chat-events.ts';
import { END, play } from './fake-models.ts';
import { type FakeDaemon, fakeDaemon } from './serve-fake.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await fakeDaemon();
});
afterEach(() => daemon.app.close());

const messages = [{ role: 'user', content: 'Hi' }];
const post = (payload: object, url = '/v1/messages') =>
  daemon.app.inject({
    method: 'POST',
    url,
    payload: JSON.stringify({ model: 'demo', max_tokens: 50, messages, ...payload }),
  });
const asked = (): ChatRequest => daemon.models.calls.at(-1)?.request as ChatRequest;

test('a stream with thoughts, text and two calls keeps the order of the block automaton (§14.12)', async () => {
  daemon.models.script = () => play(answer);
  const reply = await post({ stream: true });
  expect([reply.statusCode, reply.headers['content-type']]).toEqual([200, 'text/event-stream']);
  expect(reply.headers['request-id']).toBe(reply.headers['x-request-id']);
  const { events, types, content, end: last } = readMessageStream(reply.body);
  expect(types.filter((type) => type !== 'content_block_delta').join(' ')).toBe(
    `message_start ${'content_block_start content_block_stop '.repeat(4)}message_delta message_stop`,
  );
  expect(content).toEqual([
    { type: 'thinking', thinking: 'hm', signature: expect.stringMatching(/.+/) },
    { type: 'text', text: 'ab' },
    { type: 'tool_use', id: 'call_0', name: 'f', input: { a: 1 } },
    { type: 'tool_use', id: 'call_1', name: 'f', input: { a: 1 } },
  ]);
  expect(events[0]?.message).toMatchObject({
    id: expect.stringMatching(/^msg_[0-9a-f]{24}$/),
    type: 'message',
    role: 'assistant',
    model: 'demo',
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 7, output_tokens: 0 },
  });
  expect(last).toMatchObject({
    delta: { stop_reason: 'tool_use', stop_sequence: null },
    usage: { input_tokens: 7, output_tokens: 3 },
  });
});

test.each([
  ['everything', answer],
  ['thoughts between texts', [START, text('a'), thought('h'), text('b'), END]],
  ['text after a call', [START, call(0), text('b'), END]],
  ['nothing', [START, END]],
  ['a cut answer', [START, thought('h'), end({ reason: 'length' })]],
])('the whole answer equals the streamed one: %s', async (_, events) => {
  daemon.models.script = () => play<ChatEvent>(events);
  const whole = (await post({})).json();
  const streamed = readMessageStream((await post({ stream: true })).body);
  expect(whole.content).toEqual(streamed.content);
  expect(whole).toMatchObject({ type: 'message', role: 'assistant', ...streamed.end?.delta });
  expect(whole.usage).toEqual(streamed.end?.usage);
});

test.each([
  [{ reason: 'stop' }, 'end_turn', null],
  [{ reason: 'stop', stopSequence: 'END' }, 'stop_sequence', 'END'],
  [{ reason: 'stop', stopSequence: '<own>' }, 'end_turn', null],
  [{ reason: 'length' }, 'max_tokens', null],
  [{ reason: 'length', windowFull: true }, 'model_context_window_exceeded', null],
])('%j is stop_reason %s with stop_sequence %s', async (fields, reason, sequence) => {
  daemon.models.script = () => play<ChatEvent>([START, text('a'), end(fields)]);
  const body = (await post({ stop_sequences: ['END'] })).json();
  expect([body.stop_reason, body.stop_sequence]).toEqual([reason, sequence]);
});

test('disable_parallel_tool_use leaves one call', async () => {
  daemon.models.script = () => play(answer);
  const tool_choice = { type: 'auto', disable_parallel_tool_use: true };
  const calls = (content: { type: string }[]) => content.filter(({ type }) => type === 'tool_use').length;
  expect(calls((await post({ tool_choice })).json().content)).toBe(1);
  expect(calls(readMessageStream((await post({ tool_choice, stream: true })).body).content)).toBe(1);
});

test('cached tokens are told apart for who marks something for caching; the sum is the prompt', async () => {
  expect((await post({})).json().usage).toMatchObject({ input_tokens: 7, cache_read_input_tokens: 0 });
  const system = [{ type: 'text', text: 's', cache_control: { type: 'ephemeral' } }];
  expect((await post({ system })).json().usage).toEqual({
    input_tokens: 5,
    output_tokens: 3,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 2,
  });
});

test('errors: a status before the first token, an error event after it (§14.6)', async () => {
  for (const stream of [true, false]) {
    daemon.models.script = () => play([START, new OmgError('out_of_memory', 'no room')]);
    const early = await post({ stream });
    expect(early.statusCode).toBe(500);
    expect(early.json()).toMatchObject({
      type: 'error',
      error: { type: 'api_error', message: 'no room', code: 'out_of_memory' },
      request_id: early.headers['request-id'],
    });
    expect(early.headers['x-should-retry']).toBe('false');
  }
  for (const failure of [new OmgError('runner_crashed', 'gone'), end({ reason: 'cancelled' })]) {
    daemon.models.script = () => play([START, thought('a'), failure]);
    const late = await post({ stream: true });
    const { end: last } = readMessageStream(late.body);
    expect(last).toMatchObject({ type: 'error', request_id: late.headers['request-id'] });
  }
  // An engine that ends without its last event does not end the stream in silence.
  daemon.models.script = () => play([START, text('a')]);
  expect(readMessageStream((await post({ stream: true })).body).end?.type).toBe('error');
});

test('the conversation reaches the chat core: results before text, calls, thoughts, joined blocks', async () => {
  await post({
    system: [
      { type: 'text', text: 'one ' },
      { type: 'text', text: 'two', cache_control: { type: 'ephemeral' } },
    ],
    messages: [
      { role: 'user', content: 'Q' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 's' },
          { type: 'redacted_thinking', data: 'x' },
          { type: 'text', text: 'A' },
          { type: 'tool_use', id: 't1', name: 'f', input: { b: [1] } },
          { type: 'tool_use', id: 't2', name: 'g', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'and ' },
          { type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: 'R' }] },
          { type: 'tool_result', tool_use_id: 't2', content: 'broken', is_error: true },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'D' } },
        ],
      },
    ],
  });
  expect(asked().messages).toEqual([
    { role: 'system', content: 'one two' },
    { role: 'user', content: 'Q' },
    {
      role: 'assistant',
      content: 'A',
      reasoning: 'hm',
      toolCalls: [
        { id: 't1', name: 'f', arguments: '{"b":[1]}' },
        { id: 't2', name: 'g', arguments: '{}' },
      ],
    },
    { role: 'tool', content: 'R', toolCallId: 't1', toolName: 'f' },
    { role: 'tool', content: 'Error: broken', toolCallId: 't2', toolName: 'g' },
    { role: 'user', content: 'and D' },
  ]);
});

test('fields reach the engine; what is left open stays open', async () => {
  const schema = { type: 'object', $defs: { x: {} }, properties: {} };
  await post({
    temperature: 0.5,
    top_p: 0.6,
    top_k: 7,
    stop_sequences: ['x', ''],
    tools: [{ name: 'f', description: 'd', input_schema: schema }],
    options: { num_ctx: 64, seed: 3 },
    keep_alive: '1m',
  });
  expect(asked()).toMatchObject({
    maxTokens: 50,
    stop: ['x'],
    onOverflow: 'error',
    sampling: { temperature: 0.5, topP: 0.6, topK: 7, seed: 3 },
    tools: [{ name: 'f', description: 'd', parameters: schema }],
  });
  expect(daemon.models.calls.at(-1)?.use).toMatchObject({ keepAliveMs: 60_000, contextLength: 64 });
  await post({ tools: [{ name: 'f', input_schema: schema }], tool_choice: { type: 'none' } });
  expect(asked()).toMatchObject({ sampling: {}, tools: undefined, think: undefined });
});

test.each([
  [{ thinking: { type: 'enabled', budget_tokens: 1024 } }, true],
  [{ thinking: { type: 'adaptive' }, output_config: { effort: 'low' } }, 'low'],
  [{ thinking: { type: 'disabled' }, output_config: { effort: 'low' } }, false],
  [{ output_config: { effort: 'max' } }, 'max'],
  [{}, undefined],
])('%j is think %s', async (payload, think) => {
  await post(payload);
  expect(asked().think).toBe(think);
});

test('budget_tokens caps the thoughts', async () => {
  await post({ thinking: { type: 'enabled', budget_tokens: 1024 } });
  expect(asked().maxReasoningTokens).toBe(1024);
  await post({ thinking: { type: 'adaptive' } });
  expect(asked().maxReasoningTokens).toBeUndefined();
});

test('a model that cannot think ignores the wish; one without tools refuses them', async () => {
  const model = daemon.models.models[0];
  if (model) model.details.capabilities = ['completion'];
  await post({ thinking: { type: 'enabled', budget_tokens: 1024 } });
  expect(asked().think).toBeUndefined();
  expect((await post({ tools: [{ name: 'f', input_schema: {} }] })).json().error.code).toBe('unsupported');
});

const tool = { name: 'f', input_schema: { type: 'object' } };
const user = (block: object) => ({ messages: [{ role: 'user', content: [block] }] });
test.each([
  [{ max_tokens: 0 }, /max_tokens/],
  [{ max_tokens: null }, /max_tokens/],
  [{ model: null }, /^model is required$/],
  [{ messages: [] }, /messages/],
  [{ temperature: 3 }, /temperature/],
  [user({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }), /images/],
  [user({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' } }), /plain text/],
  [user({ type: 'tool_use', id: 'a', name: 'f', input: {} }), /tool_use/],
  [user({ type: 'tool_result', content: 'x' }), /tool_use_id/],
  [{ tool_choice: { type: 'any' } }, /required/],
  [{ tools: [tool], tool_choice: { type: 'tool' } }, /needs a name/],
  [{ tools: [tool], tool_choice: { type: 'tool', name: 'other' } }, /no tool named/],
  [{ output_config: { format: { type: 'xml' } } }, /unknown type/],
  [{ output_config: { format: { type: 'json_schema' } } }, /JSON schema/],
  [{ output_config: { effort: 'extreme' } }, /effort/],
  [{ mcp_servers: [{ url: 'x' }] }, /MCP/],
])('%j is refused with 400', async (payload, message) => {
  const reply = await post(payload);
  expect([reply.statusCode, reply.json().error]).toMatchObject([
    400,
    { type: 'invalid_request_error', message: expect.stringMatching(message) },
  ]);
});

test('failures have the statuses and types of the surface (§3.2)', async () => {
  const failure = async (error: OmgError) => {
    daemon.models.script = () => play<ChatEvent>([error]);
    const reply = await post({});
    return [reply.statusCode, reply.json().error.type, reply.headers['retry-after']];
  };
  expect(await failure(new OmgError('server_busy', 'full'))).toEqual([529, 'overloaded_error', '1']);
  expect(await failure(new OmgError('shutting_down', 'bye'))).toEqual([529, 'overloaded_error', '5']);
  const missing = await post({ model: 'nope' });
  expect([missing.statusCode, missing.json().error.type]).toEqual([404, 'not_found_error']);
  for (const url of ['/v1/messages', '/v1/messages/count_tokens', '/anthropic/v1/messages']) {
    const empty = await daemon.app.inject({ method: 'POST', url });
    expect([empty.statusCode, empty.json()]).toMatchObject([
      400,
      { type: 'error', error: { type: 'invalid_request_error' } },
    ]);
  }
  const wrong = await daemon.app.inject({ method: 'GET', url: '/v1/messages' });
  expect([wrong.statusCode, wrong.json().type, wrong.headers['request-id']]).toEqual([
    405,
    'error',
    expect.any(String),
  ]);
  expect((await daemon.app.inject({ url: '/anthropic/v1/nothing' })).json().error.type).toBe('not_found_error');
  daemon.models.script = () =>
    play<ChatEvent>([
      new OmgError('context_length_exceeded', 'x', { detail: { promptTokens: 90, contextLength: 80 } }),
    ]);
  expect((await post({ stream: true })).json().error).toMatchObject({
    type: 'invalid_request_error',
    message: 'prompt is too long: 90 tokens > 80 maximum',
  });
});

test('a key that is missing is 401 in the envelope', async () => {
  const guarded = await fakeDaemon({ access: { origins: [], apiKey: 'k', checkHost: true } });
  const send = (headers: Record<string, string>) =>
    guarded.app.inject({
      method: 'POST',
      url: '/v1/messages',
      headers,
      payload: { model: 'demo', max_tokens: 1, messages },
    });
  const refused = await send({});
  expect([refused.statusCode, refused.json().error.type]).toEqual([401, 'authentication_error']);
  expect((await send({ 'x-api-key': 'k' })).statusCode).toBe(200);
  await guarded.app.close();
});

test.each([
  [
    { tools: [{ name: 'f' }], tool_choice: { type: 'any', disable_parallel_tool_use: true } },
    { toolChoice: 'required', singleCall: true },
  ],
  [{ tools: [{ name: 'f', strict: true }], tool_choice: { type: 'tool', name: 'f' } }, { toolChoice: { name: 'f' } }],
  [
    { output_config: { format: { type: 'json_schema', schema: {} } } },
    { outputFormat: { kind: 'json_schema', schema: {}, strict: true } },
  ],
  [
    { output_format: { type: 'json_schema', schema: { type: 'object' } } },
    { outputFormat: { kind: 'json_schema', schema: { type: 'object' }, strict: true } },
  ],
])('%j is asked of the model', async (payload, request) => {
  expect((await post(payload)).statusCode).toBe(200);
  expect(daemon.models.calls.at(-1)?.request).toMatchObject(request);
});

test('claude-* names go to the configured model, and are echoed', async () => {
  const unknown = await post({ model: 'claude-haiku' });
  expect([unknown.statusCode, unknown.json().error.hint]).toEqual([404, expect.stringContaining('api.claude_model')]);
  daemon.settings['api.claude_model'] = 'demo';
  expect((await post({ model: 'claude-haiku' })).json().model).toBe('claude-haiku');
  expect(daemon.models.calls.at(-1)?.name).toBe('demo:latest');
  expect((await post({ model: 'other' })).statusCode).toBe(404);
});

test('/v1/models is a page of Anthropic for who sends anthropic-version', async () => {
  daemon.models.models.push({ ...daemon.models.models[0], name: 'second:latest' } as never);
  const get = (url: string) => daemon.app.inject({ url, headers: { 'anthropic-version': '2023-06-01' } });
  expect((await get('/v1/models?limit=1')).json()).toEqual({
    data: [{ type: 'model', id: 'demo', display_name: 'demo', created_at: '2026-01-02T03:04:05Z' }],
    has_more: true,
    first_id: 'demo',
    last_id: 'demo',
  });
  expect((await get('/v1/models?after_id=demo')).json()).toMatchObject({ has_more: false, first_id: 'second' });
  expect((await get('/v1/models?before_id=second')).json()).toMatchObject({ has_more: false, last_id: 'demo' });
  expect((await get('/v1/models/demo')).json()).toMatchObject({ type: 'model', id: 'demo' });
  expect((await get('/v1/models/nope')).json()).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
  expect((await daemon.app.inject({ url: '/v1/models' })).json().object).toBe('list');
});
