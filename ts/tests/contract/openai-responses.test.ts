import { afterEach, beforeEach, expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import type { ChatEvent, ChatRequest } from '../../inference/index.ts';
import { answer, call, end, START, text, thought } from './chat-events.ts';
import { END, play } from './fake-models.ts';
import { type ResponseBody, readResponseStream } from './responses-stream.ts';
import { type FakeDaemon, fakeDaemon } from './serve-fake.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await fakeDaemon();
});
afterEach(() => daemon.app.close());

const post = (payload: object) =>
  daemon.app.inject({
    method: 'POST',
    url: '/v1/responses',
    payload: JSON.stringify({ model: 'demo', input: 'Hi', ...payload }),
  });
const get = (path: string) => daemon.app.inject({ url: `/v1/responses/${path}` });
const asked = (): ChatRequest => daemon.models.calls.at(-1)?.request as ChatRequest;
const tools = [{ type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: false }];

test('a stream with thoughts, text and two calls has every event in order (§14.12)', async () => {
  daemon.models.script = () => play(answer);
  const reply = await post({ stream: true });
  expect([reply.statusCode, reply.headers['content-type']]).toEqual([200, 'text/event-stream']);
  expect(reply.body).not.toContain('[DONE]');
  const { types, response } = readResponseStream(reply.body);
  const callEvents = [
    'output_item.added',
    'function_call_arguments.delta',
    'function_call_arguments.done',
    'output_item.done',
  ];
  expect(types.map((type) => type.replace('response.', ''))).toEqual([
    'created',
    'in_progress',
    'output_item.added',
    'reasoning_summary_part.added',
    'reasoning_summary_text.delta',
    'reasoning_summary_text.delta',
    'reasoning_summary_text.done',
    'reasoning_summary_part.done',
    'output_item.done',
    'output_item.added',
    'content_part.added',
    'output_text.delta',
    'output_text.delta',
    'output_text.done',
    'content_part.done',
    'output_item.done',
    ...callEvents,
    ...callEvents,
    'completed',
  ]);
  expect(response).toMatchObject({
    id: expect.stringMatching(/^resp_[0-9a-f]{24}$/),
    object: 'response',
    status: 'completed',
    completed_at: expect.any(Number),
    error: null,
    incomplete_details: null,
    output: [
      { type: 'reasoning', id: expect.stringMatching(/^rs_/), summary: [{ type: 'summary_text', text: 'hm' }] },
      {
        type: 'message',
        id: expect.stringMatching(/^msg_/),
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'ab', annotations: [], logprobs: [] }],
      },
      { type: 'function_call', id: expect.stringMatching(/^fc_/), call_id: 'call_0', name: 'f', arguments: '{"a":1}' },
      { type: 'function_call', status: 'completed', call_id: 'call_1' },
    ],
    usage: {
      input_tokens: 7,
      input_tokens_details: { cached_tokens: 2, cache_write_tokens: 0 },
      output_tokens: 3,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 10,
    },
  });
});

/** A response without what differs between two of them. */
const comparable = (body: ResponseBody): object => ({
  ...body,
  id: '',
  created_at: 0,
  completed_at: body.completed_at === null,
  output: body.output.map((item) => ({ ...item, id: '' })),
});

test.each([
  ['everything', answer],
  ['thoughts between texts', [START, text('a'), thought('h'), text('b'), END]],
  ['text after a call', [START, call(0), text('b'), END]],
  ['nothing', [START, END]],
  ['a cut answer', [START, thought('h'), text('a'), end({ reason: 'length' })]],
])('the whole answer equals the streamed one: %s', async (_, events) => {
  daemon.models.script = () => play<ChatEvent>(events);
  const payload = { include: ['reasoning.encrypted_content'] };
  const streamed = readResponseStream((await post({ ...payload, stream: true })).body).response;
  const whole = (await post(payload)).json() as ResponseBody;
  expect(comparable(whole)).toEqual(comparable(streamed));
});

test('a length stop is incomplete, with its reason, and so is the item that was cut', async () => {
  daemon.models.script = () => play<ChatEvent>([START, text('a'), end({ reason: 'length' })]);
  const { response, types } = readResponseStream((await post({ stream: true })).body);
  expect(types.at(-1)).toBe('response.incomplete');
  expect(response).toMatchObject({
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    completed_at: null,
    output: [{ status: 'incomplete' }],
  });
});

test('errors: a status before the first token, response.failed after it (§14.6)', async () => {
  for (const stream of [true, false]) {
    daemon.models.script = () => play([START, new OmgError('out_of_memory', 'no room')]);
    const early = await post({ stream });
    expect([early.statusCode, early.json().error]).toMatchObject([500, { type: 'api_error', code: 'out_of_memory' }]);
  }
  const failed = async (events: (ChatEvent | Error)[]) => {
    daemon.models.script = () => play<ChatEvent>(events);
    const reply = await post({ stream: true });
    return readResponseStream(reply.body).response;
  };
  expect(await failed([START, text('a'), new OmgError('runner_crashed', 'gone')])).toMatchObject({
    error: { code: 'server_error', message: 'gone' },
    output: [{ type: 'message', status: 'incomplete', content: [{ text: 'a' }] }],
  });
  expect((await failed([START, text('a'), end({ reason: 'cancelled' })])).error?.code).toBe('server_error');
  // An engine that ends without its last event does not end the stream in silence.
  const silent = await failed([START, thought('a')]);
  expect(silent.error?.code).toBe('server_error');
  expect((await get(silent.id)).statusCode).toBe(404);
});

test('everything asked is echoed, everything else is there', async () => {
  const body = (
    await post({ instructions: 'rule', temperature: 0.5, metadata: { a: 'b' }, tools, store: false })
  ).json();
  expect(body).toMatchObject({ instructions: 'rule', temperature: 0.5, metadata: { a: 'b' }, tools, store: false });
  expect(body).toMatchObject({
    object: 'response',
    model: 'demo',
    previous_response_id: null,
    tool_choice: 'auto',
    truncation: 'disabled',
    parallel_tool_calls: true,
    text: { format: { type: 'text' } },
    top_p: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    top_logprobs: 0,
    reasoning: { effort: null, summary: null },
    max_output_tokens: null,
    max_tool_calls: null,
    background: false,
    service_tier: 'default',
    safety_identifier: null,
    prompt_cache_key: null,
  });
});

test('the items of a conversation become messages; thoughts, words and calls of one turn become one', async () => {
  await post({
    instructions: 'rule',
    input: [
      { role: 'developer', content: 'dev' },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Q' }] },
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'foreign' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'A' }] },
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}' },
      { type: 'function_call', call_id: 'c2', name: 'g', arguments: '' },
      { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'two' }] },
      { type: 'function_call_output', call_id: 'c1', output: 'one' },
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
      { role: 'user', content: 'more' },
    ],
  });
  expect(asked().messages).toEqual([
    { role: 'system', content: 'rule' },
    { role: 'system', content: 'dev' },
    { role: 'user', content: 'Q' },
    {
      role: 'assistant',
      content: 'A',
      reasoning: 'hm',
      toolCalls: [
        { id: 'c1', name: 'f', arguments: '{"a":1}' },
        { id: 'c2', name: 'g', arguments: '{}' },
      ],
    },
    { role: 'tool', content: 'two', toolCallId: 'c2', toolName: 'g' },
    { role: 'tool', content: 'one', toolCallId: 'c1', toolName: 'f' },
    { role: 'user', content: 'more' },
  ]);
});

test('a response goes on from the one before it, without its instructions', async () => {
  daemon.models.script = () => play(answer);
  const first = (await post({ instructions: 'old', tools })).json() as ResponseBody;
  const outputs = ['call_0', 'call_1'].map((call_id) => ({ type: 'function_call_output', call_id, output: 'R' }));
  const second = (await post({ instructions: 'new', previous_response_id: first.id, input: outputs })).json();
  expect(second.previous_response_id).toBe(first.id);
  const turns = asked().messages;
  expect(turns.map(({ role, content }) => `${role} ${content}`)).toEqual([
    'system new',
    'user Hi',
    'assistant ab',
    'tool R',
    'tool R',
  ]);
  expect(turns[2]).toMatchObject({ reasoning: 'hm', toolCalls: [{ id: 'call_0' }, { id: 'call_1' }] });
  await post({ previous_response_id: second.id, input: 'on' });
  expect(asked().messages).toHaveLength(6);
});

test('without storing, the client carries the thoughts itself', async () => {
  daemon.models.script = () => play([START, thought('hm'), call(0), END]);
  const body = (await post({ store: false, include: ['reasoning.encrypted_content'] })).json() as ResponseBody;
  expect((await get(body.id)).statusCode).toBe(404);
  const kept = body.output.map((item) => (item.type === 'reasoning' ? { ...item, summary: [] } : item));
  const output = { type: 'function_call_output', call_id: 'call_0', output: 'R' };
  await post({ store: false, input: [{ role: 'user', content: 'Hi' }, ...kept, output] });
  expect(asked().messages[1]).toMatchObject({ role: 'assistant', reasoning: 'hm', toolCalls: [{ id: 'call_0' }] });
});

test('a stored response can be read, listed, referred to and deleted', async () => {
  daemon.models.script = () => play([START, text('a'), END]);
  const input = [
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'two' },
    { role: 'user', content: 'three' },
  ];
  const body = (await post({ input })).json() as ResponseBody;
  expect((await get(body.id)).json()).toEqual(body);
  const texts = (page: { data: { content: { text: string }[] }[] }) => page.data.map(({ content }) => content[0]?.text);
  const newest = (await get(`${body.id}/input_items?limit=2`)).json();
  expect([newest.object, newest.has_more, texts(newest)]).toEqual(['list', true, ['three', 'two']]);
  const rest = (await get(`${body.id}/input_items?after=${newest.last_id}`)).json();
  expect([rest.has_more, texts(rest)]).toEqual([false, ['one']]);
  expect(texts((await get(`${body.id}/input_items?order=asc`)).json())).toEqual(['one', 'two', 'three']);
  await post({
    input: [
      { type: 'item_reference', id: body.output[0]?.id },
      { role: 'user', content: 'x' },
    ],
  });
  expect(asked().messages.map(({ content }) => content)).toEqual(['a', 'x']);
  const reference = { type: 'item_reference', id: body.output[0]?.id };
  // However often a large item is named, it is there once.
  expect((await post({ input: [reference, reference] })).json().error).toMatchObject({ param: 'input[1].id' });
  const remove = () => daemon.app.inject({ method: 'DELETE', url: `/v1/responses/${body.id}` });
  expect((await remove()).json()).toEqual({ id: body.id, object: 'response', deleted: true });
  for (const reply of [await remove(), await get(body.id), await get(`${body.id}/input_items`)]) {
    expect([reply.statusCode, reply.json().error.code]).toEqual([404, 'not_found']);
  }
  const gone = await post({ previous_response_id: body.id });
  expect([gone.statusCode, gone.json().error]).toMatchObject([
    400,
    { code: 'previous_response_not_found', param: 'previous_response_id', type: 'invalid_request_error' },
  ]);
});

test('fields reach the engine', async () => {
  await post({
    max_output_tokens: 5,
    temperature: 0.5,
    top_p: 0.6,
    reasoning: { effort: 'minimal', summary: 'auto' },
    truncation: 'auto',
    options: { num_ctx: 64, top_k: 3 },
    keep_alive: 0,
    tools,
    tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] },
  });
  expect(asked()).toMatchObject({
    maxTokens: 5,
    think: 'low',
    onOverflow: 'drop-turns',
    sampling: { temperature: 0.5, topP: 0.6, topK: 3 },
    tools: [{ name: 'f', description: 'd', parameters: { type: 'object' } }],
  });
  expect(daemon.models.calls.at(-1)?.use).toMatchObject({ keepAliveMs: 0, contextLength: 64 });
  await post({ tools, tool_choice: 'none' });
  expect(asked()).toMatchObject({ tools: undefined, onOverflow: 'error' });
  await post({ tools: [{ type: 'namespace', name: 'files', tools: [{ type: 'function', name: 'read' }] }] });
  expect(asked().tools).toEqual([{ name: 'files.read' }]);
});

test('parallel_tool_calls:false leaves one call; dropped turns are told in a header', async () => {
  daemon.models.script = () => play([{ ...START, dropped: { messages: 2, tokens: 9 } }, call(0), call(1), END]);
  for (const stream of [true, false]) {
    const reply = await post({ parallel_tool_calls: false, truncation: 'auto', stream });
    const body = stream ? readResponseStream(reply.body).response : (reply.json() as ResponseBody);
    expect(body.output.map(({ call_id }) => call_id)).toEqual(['call_0']);
    expect(reply.headers['x-omg-truncated']).toBe('messages=2');
  }
});

test('logprobs come with the deltas and with the text', async () => {
  const logprob = { token: 'a', tokenId: 3, logprob: -0.5, bytes: [97], top: [] };
  const shown = [{ token: 'a', logprob: -0.5, bytes: [97], top_logprobs: [] }];
  daemon.models.script = () => play([START, { type: 'content', text: 'a', tokens: 1, logprobs: [logprob] }, END]);
  const { events, response } = readResponseStream((await post({ top_logprobs: 2, stream: true })).body);
  expect(asked().topLogprobs).toBe(2);
  expect(events.find(({ type }) => type === 'response.output_text.delta')?.logprobs).toEqual(shown);
  expect(response.output[0]?.content?.[0]?.logprobs).toEqual(shown);
  await post({ include: ['message.output_text.logprobs'] });
  expect(asked().topLogprobs).toBe(0);
});

const schema = { type: 'object', properties: { a: { type: 'string' } } };
test.each([
  [
    { tools, tool_choice: 'required', parallel_tool_calls: false },
    { toolChoice: 'required', singleCall: true },
  ],
  [{ tools, tool_choice: { type: 'function', name: 'f' } }, { toolChoice: { name: 'f' } }],
  [
    { tools, tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] } },
    { toolChoice: 'required' },
  ],
  [{ text: { format: { type: 'json_object' } } }, { outputFormat: { kind: 'json_object' } }],
  [
    { text: { format: { type: 'json_schema', name: 'n', schema, strict: true } } },
    { outputFormat: { kind: 'json_schema', schema, strict: true } },
  ],
  [
    { text: { format: { type: 'json_schema', name: 'n', schema, strict: false } } },
    { outputFormat: { kind: 'json_schema', schema, strict: false } },
  ],
  [{ text: { format: { type: 'json_object', schema } } }, { outputFormat: { kind: 'json_schema', schema } }],
  [{ response_format: { type: 'json_object', schema } }, { outputFormat: { kind: 'json_schema', schema } }],
])('%j is asked of the model', async (payload, request) => {
  expect((await post(payload)).statusCode).toBe(200);
  expect(daemon.models.calls.at(-1)?.request).toMatchObject(request);
});

test('tools of the server that coding tools offer beside their own are no reason to refuse', async () => {
  daemon.models.script = () => play(answer);
  const reply = await post({ tools: [...tools, { type: 'web_search', external_web_access: false }] });
  expect(reply.statusCode).toBe(200);
  const { request } = daemon.models.calls.at(-1) as { request: ChatRequest };
  expect(request.tools?.map(({ name }) => name)).toEqual(['f']);
});

const user = (part: object) => ({ input: [{ role: 'user', content: [part] }] });
test.each([
  [{ input: null }, 'input', 'invalid_request'],
  [{ input: [] }, 'input', 'invalid_request'],
  [{ max_output_tokens: 0 }, 'max_output_tokens', 'invalid_request'],
  [{ temperature: 3 }, 'temperature', 'invalid_request'],
  [{ truncation: 'x' }, 'truncation', 'invalid_request'],
  [{ text: { format: { type: 'json_schema', name: 'n' } } }, 'text.format.schema', 'invalid_request'],
  [{ text: { format: { type: 'xml' } } }, 'text.format', 'invalid_request'],
  [{ background: true }, 'background', 'unsupported'],
  [{ conversation: 'conv_1' }, 'conversation', 'unsupported'],
  [{ prompt: { id: 'p' } }, 'prompt', 'unsupported'],
  [{ tools: [{ type: 'web_search' }] }, 'tools[0]', 'unsupported'],
  [{ tool_choice: 'required' }, 'tool_choice', 'invalid_request'],
  [{ tools, tool_choice: { type: 'function', name: 'other' } }, 'tool_choice', 'invalid_request'],
  [{ tools, tool_choice: { type: 'web_search' } }, 'tool_choice', 'invalid_request'],
  [{ reasoning: { effort: 'extreme' } }, 'reasoning.effort', 'invalid_request'],
  [user({ type: 'input_image', image_url: 'x' }), 'input[0].content[0]', 'unsupported'],
  [user({ type: 'input_file' }), 'input[0].content[0]', 'unsupported'],
  [user({ type: 'odd' }), 'input[0].content[0]', 'invalid_request'],
  [{ input: [{ type: 'odd' }] }, 'input[0].type', 'invalid_request'],
  [{ input: [{ type: '__proto__' }] }, 'input[0].type', 'invalid_request'],
  [{ input: [{ role: 'king', content: 'x' }] }, 'input[0].role', 'invalid_request'],
  [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input[0].id', 'invalid_request'],
])('%j is refused', async (payload, param, code) => {
  const reply = await post(payload);
  expect([reply.statusCode, reply.json().error]).toMatchObject([400, { param, code, type: 'invalid_request_error' }]);
});

test('an unknown model is 404; a kept response cannot be streamed', async () => {
  expect((await post({ model: 'x' })).json().error).toMatchObject({ code: 'model_not_found', param: 'model' });
  const { id } = (await post({})).json();
  expect((await get(`${id}?stream=true`)).json().error).toMatchObject({ code: 'unsupported', param: 'stream' });
});
