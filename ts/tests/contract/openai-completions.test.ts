import { afterEach, beforeEach, expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import type { ChatEvent, GenerateEvent, GenerateRequest, TokenLogprob } from '../../inference/index.ts';
import { installed, play, TIMINGS, USAGE } from './fake-models.ts';
import { type FakeDaemon, fakeDaemon } from './serve-fake.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await fakeDaemon();
});
afterEach(() => daemon.app.close());

const START: GenerateEvent = { type: 'start', promptTokens: 7, cachedTokens: 2 };
const END: GenerateEvent = { type: 'end', reason: 'length', usage: USAGE, timings: TIMINGS };
const logprob = (token: string): TokenLogprob => ({
  token,
  tokenId: 1,
  logprob: -1,
  bytes: [],
  top: [{ token, tokenId: 1, logprob: -1, bytes: [] }],
});
const text = (value: string): GenerateEvent => ({ type: 'text', text: value, tokens: 1, logprobs: [logprob(value)] });
const post = (payload: object) =>
  daemon.app.inject({
    method: 'POST',
    url: '/v1/completions',
    payload: JSON.stringify({ model: 'demo', prompt: 'ab', ...payload }),
  });
const asked = (): GenerateRequest => daemon.models.calls.at(-1)?.request as GenerateRequest;

test('the prompt is raw text and the answer one object', async () => {
  daemon.models.rawScript = () => play([START, text('c'), text('d'), END]);
  const reply = await post({});
  expect(asked().prompt).toEqual([{ kind: 'text', text: 'ab', parseSpecial: true }]);
  expect(reply.json()).toMatchObject({
    id: expect.stringMatching(/^cmpl-/),
    object: 'text_completion',
    choices: [{ text: 'cd', index: 0, finish_reason: 'length', logprobs: null }],
    usage: { prompt_tokens: 7, completion_tokens: 3 },
    timings: { cache_n: 2, prompt_n: 5, predicted_n: 3, predicted_ms: TIMINGS.decodeMs },
  });
});

test('echo and logprobs cover the prompt with offsets', async () => {
  daemon.models.rawScript = () =>
    play([{ ...START, promptLogprobs: [logprob('a'), logprob('b')] } as GenerateEvent, text('cd'), END]);
  const [choice] = (await post({ echo: true, logprobs: 1 })).json().choices;
  expect(choice.text).toBe('abcd');
  expect(choice.logprobs).toEqual({
    tokens: ['a', 'b', 'cd'],
    token_logprobs: [null, -1, -1],
    top_logprobs: [null, { b: -1 }, { cd: -1 }],
    text_offset: [0, 1, 2],
  });
});

test('streams end with a finish reason, usage when asked, and [DONE]', async () => {
  daemon.models.rawScript = () => play([START, text('c'), END]);
  const frames = (await post({ stream: true, echo: true, stream_options: { include_usage: true } })).body
    .split('\n\n')
    .filter(Boolean);
  expect(frames.pop()).toBe('data: [DONE]');
  const chunks = frames.map((frame) => JSON.parse(frame.slice(6)));
  expect(chunks.map(({ choices }) => choices[0]?.text)).toEqual(['ab', 'c', '', undefined]);
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 3 } });
});

test('an error after the first token ends the stream with an error and [DONE] (§14.6)', async () => {
  daemon.models.rawScript = () => play([START, text('c'), new OmgError('runner_crashed', 'gone')]);
  const { body } = await post({ stream: true });
  expect(body).toContain('"code":"runner_crashed"');
  expect(body.endsWith('data: [DONE]\n\n')).toBe(true);
});

test('lists of prompts, token prompts and n give dense indexes', async () => {
  daemon.models.rawScript = () => play([START, text('c'), END]);
  const reply = await post({ prompt: [[97, 98], [99]], n: 2, echo: true });
  expect(reply.json().choices.map(({ index, text: whole }: { index: number; text: string }) => [index, whole])).toEqual(
    [
      [0, 'abc'],
      [1, 'abc'],
      [2, 'cc'],
      [3, 'cc'],
    ],
  );
  expect(reply.json().usage).toMatchObject({ prompt_tokens: 14, completion_tokens: 12 });
});

test('suffix becomes a fill-in-the-middle prompt where the model can', async () => {
  expect((await post({ suffix: 'z' })).json().error).toMatchObject({ code: 'unsupported', param: 'suffix' });
  const coder = installed('coder', ['completion', 'insert']);
  coder.details.metadata = {
    'tokenizer.ggml.fim_pre_token_id': 1,
    'tokenizer.ggml.fim_suf_token_id': 2,
    'tokenizer.ggml.fim_mid_token_id': 3,
  };
  daemon.models.models.push(coder);
  daemon.models.rawScript = () => play([START, text('c'), END]);
  expect((await post({ model: 'coder', suffix: '<|x|>' })).statusCode).toBe(200);
  expect(asked().prompt).toEqual([
    { kind: 'tokens', tokens: [1] },
    { kind: 'text', text: 'ab', parseSpecial: false },
    { kind: 'tokens', tokens: [2] },
    { kind: 'text', text: '<|x|>', parseSpecial: false },
    { kind: 'tokens', tokens: [3] },
  ]);
});

test.each([
  [{ best_of: 2 }, 'best_of', 'unsupported'],
  [{ prompt: [] }, 'prompt', 'invalid_request'],
  [{ logprobs: 6 }, 'logprobs', 'invalid_request'],
])('%j is refused', async (payload, param, code) => {
  expect((await post(payload)).json().error).toMatchObject({ param, code });
});

test('compat.templated_completions runs the chat template', async () => {
  daemon.settings['compat.templated_completions'] = true;
  const events: ChatEvent[] = [
    { type: 'start', promptTokens: 1, cachedTokens: 0 },
    { type: 'content', text: 'hey', tokens: 1 },
    { type: 'end', reason: 'stop', usage: USAGE, timings: TIMINGS },
  ];
  daemon.models.script = () => play(events);
  expect((await post({})).json().choices[0].text).toBe('hey');
  expect(daemon.models.calls.at(-1)).toMatchObject({
    method: 'chat',
    request: { messages: [{ role: 'user', content: 'ab' }] },
  });
});
