import { afterEach, beforeEach, expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import type { ChatEvent, ChatRequest } from '../../inference/index.ts';
import { START, text } from './chat-events.ts';
import { END, play } from './fake-models.ts';
import { type FakeDaemon, fakeDaemon } from './serve-fake.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await fakeDaemon();
});
afterEach(() => daemon.app.close());

const post = (payload: unknown, url = '/api/chat') =>
  daemon.app.inject({
    method: 'POST',
    url,
    payload: JSON.stringify(payload),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
const lines = (body: string): Record<string, unknown>[] => {
  expect(body.endsWith('\n')).toBe(true);
  return body
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};
const messages = [{ role: 'user', content: 'Hi' }];

test('streams by default: one object per line, the last with done and six integers (§14.2)', async () => {
  daemon.models.script = () => play([START, text('Hel'), text('lo'), END]);
  const reply = await post({ model: 'demo', messages });
  expect(reply.statusCode).toBe(200);
  expect(reply.headers['content-type']).toBe('application/x-ndjson');
  const all = lines(reply.body);
  expect(all.map((line) => (line.message as { content: string }).content)).toEqual(['Hel', 'lo', '']);
  expect(all.map((line) => line.done)).toEqual([false, false, true]);
  const last = all.at(-1) ?? {};
  for (const key of [
    'total_duration',
    'load_duration',
    'prompt_eval_count',
    'prompt_eval_duration',
    'eval_count',
    'eval_duration',
  ]) {
    expect(Number.isInteger(last[key]), key).toBe(true);
  }
  expect(last).toMatchObject({
    model: 'demo',
    done_reason: 'stop',
    prompt_eval_count: 7,
    eval_count: 3,
    prompt_eval_duration: 2e6,
  });
});

test('stream:false gives the same text in one object', async () => {
  daemon.models.script = () =>
    play([START, { type: 'reasoning', text: 'hm', tokens: 1 }, text('Hel'), text('lo'), END]);
  const reply = await post({ model: 'demo', messages, stream: false });
  expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(reply.json()).toMatchObject({ done: true, message: { role: 'assistant', content: 'Hello', thinking: 'hm' } });
});

test('an error before the first token has its status, one after it ends the stream with an error line (§14.6)', async () => {
  daemon.models.script = () => play<ChatEvent>([new OmgError('model_load_failed', 'The weights are short.')]);
  const early = await post({ model: 'demo', messages });
  expect([early.statusCode, early.json().error, early.headers['x-should-retry']]).toEqual([
    500,
    'The weights are short.',
    'false',
  ]);
  daemon.models.script = () => play([START, text('a'), new OmgError('runner_crashed', 'gone')]);
  const late = await post({ model: 'demo', messages });
  expect(late.statusCode).toBe(200);
  expect(lines(late.body).at(-1)).toEqual({ error: 'gone', code: 'runner_crashed' });
});

test('a source without its last event is an error, not a short success', async () => {
  daemon.models.script = () => play([START, text('a')]);
  expect(lines((await post({ model: 'demo', messages })).body).at(-1)).toHaveProperty('error');
});

test('tools go in verbatim and calls come out as objects; results are paired without ids', async () => {
  const parameters = {
    type: 'object',
    properties: { b: { $ref: '#/x' }, a: { type: 'string' } },
    additionalProperties: false,
  };
  daemon.models.script = () =>
    play([
      START,
      { type: 'tool-call', index: 0, call: { id: 'call_1', name: 'f', arguments: '{"a":"b"}' } },
      { ...END, reason: 'tool-calls' } as ChatEvent,
    ]);
  const reply = await post({
    model: 'demo',
    tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters } }],
    messages: [
      ...messages,
      { role: 'Assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: { x: 1 } } }] },
      { role: 'tool', content: '42' },
    ],
  });
  const all = lines(reply.body);
  expect(all[0]?.message).toEqual({
    role: 'assistant',
    content: '',
    tool_calls: [{ id: 'call_1', function: { index: 0, name: 'f', arguments: { a: 'b' } } }],
  });
  expect(all.at(-1)).toMatchObject({ done: true, done_reason: 'stop' });
  const request = daemon.models.calls.at(-1)?.request as ChatRequest;
  expect(JSON.stringify(request.tools?.[0]?.parameters)).toBe(JSON.stringify(parameters));
  expect(request.messages[2]).toMatchObject({
    role: 'tool',
    toolName: 'f',
    toolCallId: request.messages[1]?.toolCalls?.[0]?.id,
  });
});

test('load and unload forms give one JSON object (§14.3)', async () => {
  const load = await post({ model: 'demo' });
  expect(load.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(load.json()).toMatchObject({ message: { role: 'assistant', content: '' }, done: true, done_reason: 'load' });
  const unload = await post({ model: 'demo', messages: [], keep_alive: 0 });
  expect(unload.json()).toMatchObject({ done: true, done_reason: 'unload' });
  expect((await post({ model: 'nope', messages: [], keep_alive: 0 })).statusCode).toBe(404);
});

test.each([
  [1800, 1_800_000],
  [1.5, 1500],
  ['10m', 600_000],
  ['2h45m', 9_900_000],
  ['0', 0],
  [0, 0],
  [-1, Number.POSITIVE_INFINITY],
  ['-1m', Number.POSITIVE_INFINITY],
  [null, undefined],
])('keep_alive %j is %s ms (§14.3)', async (keep_alive, ms) => {
  await post({ model: 'demo', messages, keep_alive });
  expect(daemon.models.calls.at(-1)?.use?.keepAliveMs).toBe(ms);
});

test.each(['300', '', true, {}])('keep_alive %j is refused (§14.3)', async (keep_alive) => {
  expect((await post({ model: 'demo', messages, keep_alive })).statusCode).toBe(400);
});

test.each([
  [{ messages }, 400, 'model is required'],
  [{ model: 'x', messages }, 404, "model 'x' not found"],
  [{ model: 'demo', messages, options: { top_k: 'many' } }, 400, 'option "top_k" must be of type integer'],
  [{ model: 'demo', messages, format: 'xml' }, 400, 'format must be "json" or a JSON schema'],
  [{ model: 'demo', messages, format: [1] }, 400, 'format must be "json" or a JSON schema'],
  [{ model: 'demo', messages, top_logprobs: 21 }, 400, 'top_logprobs must be between 0 and 20'],
])('%j is refused with %i', async (payload, status, error) => {
  const reply = await post(payload);
  expect([reply.statusCode, reply.json().error]).toEqual([status, error]);
});

test('what a model cannot do is said', async () => {
  const model = daemon.models.models[0];
  if (model) model.details.capabilities = ['completion'];
  expect((await post({ model: 'demo', messages, think: true })).json().error).toBe('"demo" does not support thinking');
  expect((await post({ model: 'demo', messages, tools: [{ function: { name: 'f' } }] })).json().error).toBe(
    '"demo" does not support tools',
  );
  expect((await post({ model: 'demo', messages, think: false })).statusCode).toBe(200);
});

test.each([
  ['json', { kind: 'json_object' }],
  [{ type: 'object' }, { kind: 'json_schema', schema: { type: 'object' }, strict: false }],
  [null, undefined],
])('format %j is what the answer is written in', async (format, outputFormat) => {
  await post({ model: 'demo', messages, format });
  expect(daemon.models.calls.at(-1)?.request).toMatchObject({ outputFormat });
});

test('options reach the engine; null and unknown ones do not', async () => {
  await post({
    model: 'demo',
    messages,
    format: '',
    options: { temperature: 0, top_k: 3.7, seed: 5, stop: 'x', num_predict: 9, num_ctx: 100, foo: 'bar', top_p: null },
  });
  const call = daemon.models.calls.at(-1);
  expect(call?.request).toMatchObject({ sampling: { temperature: 0, topK: 3, seed: 5 }, stop: ['x'], maxTokens: 9 });
  expect(call?.use?.contextLength).toBe(100);
});

test('dropped turns are announced in a header and in the last object', async () => {
  daemon.models.script = () => play([{ ...START, dropped: { messages: 2, tokens: 40 } } as ChatEvent, text('a'), END]);
  const reply = await post({ model: 'demo', messages });
  expect(reply.headers['x-omg-truncated']).toBe('messages=2');
  expect(lines(reply.body).at(-1)).toMatchObject({ truncated: true, prompt_tokens_dropped: 40 });
});
