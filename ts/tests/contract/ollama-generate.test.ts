import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ChatEvent, GenerateEvent } from '../../inference/index.ts';
import { END, installed, play, TIMINGS, USAGE } from './fake-models.ts';
import { type FakeDaemon, fakeDaemon } from './serve-fake.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await fakeDaemon();
  daemon.models.script = () =>
    play([
      { type: 'start', promptTokens: 7, cachedTokens: 2 },
      { type: 'reasoning', text: 'hm', tokens: 1 },
      { type: 'content', text: 'hey', tokens: 1 },
      END,
    ] as ChatEvent[]);
  daemon.models.rawScript = () =>
    play([
      { type: 'start', promptTokens: 7, cachedTokens: 2 },
      { type: 'text', text: 'raw', tokens: 1 },
      { type: 'end', reason: 'stop', usage: USAGE, timings: TIMINGS },
    ] as GenerateEvent[]);
});
afterEach(() => daemon.app.close());

const post = (payload: object, url = '/api/generate', method: 'POST' | 'DELETE' = 'POST') =>
  daemon.app.inject({ method, url, payload: JSON.stringify(payload) });
const last = () => daemon.models.calls.at(-1);

test('streams response and thinking, then a final object with metrics and context', async () => {
  const reply = await post({ model: 'demo', prompt: 'Hi', system: 'Be kind' });
  const lines = reply.body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toMatchObject([
    { response: '', thinking: 'hm', done: false },
    { response: 'hey', done: false },
    { response: '', done: true, done_reason: 'stop', eval_count: 3, context: expect.any(Array) },
  ]);
  expect(last()?.request).toMatchObject({
    messages: [
      { role: 'system', content: 'Be kind' },
      { role: 'user', content: 'Hi' },
    ],
    onOverflow: 'error',
  });
});

test('stream:false gives one object', async () => {
  expect((await post({ model: 'demo', prompt: 'Hi', stream: false })).json()).toMatchObject({
    response: 'hey',
    thinking: 'hm',
    done: true,
  });
});

test('load and unload forms are single JSON objects (§14.3)', async () => {
  const load = await post({ model: 'demo' });
  expect(load.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(load.json()).toMatchObject({ response: '', done: true, done_reason: 'load' });
  expect((await post({ model: 'demo', keep_alive: 0, prompt: '' })).json()).toMatchObject({ done_reason: 'unload' });
  expect((await post({ model: 'nope', keep_alive: 0, prompt: '' })).json().error).toBe("model 'nope' not found");
  expect((await post({ prompt: 'x' })).json().error).toBe("model '' not found");
});

test('raw skips the template and gives no context', async () => {
  const reply = await post({ model: 'demo', prompt: '<|x|>', raw: true, stream: false });
  expect(last()).toMatchObject({
    method: 'generate',
    request: { prompt: [{ kind: 'text', text: '<|x|>', parseSpecial: true }] },
  });
  expect(reply.json().response).toBe('raw');
  expect(reply.json()).not.toHaveProperty('context');
  expect((await post({ model: 'demo', prompt: 'a', raw: true, system: 's' })).statusCode).toBe(400);
  expect((await post({ model: 'demo', prompt: 'a', raw: true, suffix: 's' })).statusCode).toBe(400);
});

test('shift slides the window where it is asked for, and only then', async () => {
  await post({ model: 'demo', prompt: 'p', shift: true, options: { num_keep: 7 }, stream: false });
  expect(last()?.use).toMatchObject({ contextShiftKeep: 7 });
  for (const shift of [false, undefined]) {
    await post({ model: 'demo', prompt: 'p', shift, options: { num_keep: 7 }, stream: false });
    expect(last()?.use).not.toHaveProperty('contextShiftKeep');
  }
});

test('a template of the request goes in place of the model’s', async () => {
  const template = '{{- if .System }}[S]{{ .System }}{{ else }}[N]{{ end -}}  [U]{{ .Prompt }}';
  await post({ model: 'demo', prompt: 'p', system: 's', template, stream: false });
  expect(last()).toMatchObject({
    method: 'chat',
    request: {
      template,
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content: 'p' },
      ],
    },
  });
});

test('context comes before the prompt', async () => {
  await post({ model: 'demo', prompt: 'p', context: [1, 2], stream: false });
  expect(last()).toMatchObject({
    method: 'generate',
    request: {
      prompt: [
        { kind: 'tokens', tokens: [1, 2] },
        { kind: 'text', text: '<user>', parseSpecial: true },
        { kind: 'text', text: 'p', parseSpecial: false },
      ],
    },
  });
});

test('suffix without insert is refused, _debug_render_only renders only', async () => {
  expect((await post({ model: 'demo', prompt: 'p', suffix: 's' })).json().error).toBe('"demo" does not support insert');
  const debug = await post({ model: 'demo', prompt: 'p', _debug_render_only: true });
  expect(debug.json()._debug_info).toEqual({ rendered_template: '<user>p', image_count: 0 });
  expect(daemon.models.calls).toEqual([]);
});

test('suffix fills in the middle by the tokens of the model', async () => {
  const model = installed('coder', ['completion', 'insert']);
  for (const [at, key] of ['fim_pre', 'fim_suf', 'fim_mid'].entries()) {
    model.details.metadata[`tokenizer.ggml.${key}_token_id`] = 100 + at;
  }
  daemon.models.models.push(model);
  await post({ model: 'coder', prompt: 'def f(', suffix: ')', stream: false });
  expect(last()?.request).toMatchObject({
    prompt: [
      { kind: 'tokens', tokens: [100] },
      { kind: 'text', text: 'def f(', parseSpecial: false },
      { kind: 'tokens', tokens: [101] },
      { kind: 'text', text: ')', parseSpecial: false },
      { kind: 'tokens', tokens: [102] },
    ],
  });
});

test('suffix fills in the middle by the template of the model, or of the request', async () => {
  const model = installed('coder', ['completion', 'insert']);
  model.details.insertsByTemplate = true;
  daemon.models.models.push(model);
  await post({ model: 'coder', prompt: 'def f(', suffix: ')', stream: false });
  expect(last()).toMatchObject({ method: 'generate', request: { prompt: [{ text: '<user>' }, { text: 'def f(' }] } });
  await post({ model: 'demo', prompt: 'a', suffix: 'b', template: '{{ .Prompt }}_{{ .Suffix }}', stream: false });
  expect(last()).toMatchObject({ method: 'generate' });
});

test('/api/show has what clients read', async () => {
  const model = installed('coder', ['completion', 'insert']);
  model.details.parameters = { temperature: 0.6, stop: ['<|end|>', 'x"y'] };
  daemon.models.models.push(model);
  const shown = (await post({ model: 'coder' }, '/api/show')).json();
  expect(shown.parameters.split('\n')).toEqual([
    `${'temperature'.padEnd(30)} 0.6`,
    `${'stop'.padEnd(30)} "<|end|>"`,
    `${'stop'.padEnd(30)} "x\\"y"`,
  ]);
  expect(shown.template).toContain('.Suffix');
  expect(shown.model_info).toMatchObject({ 'general.architecture': 'llama', 'tokenizer.ggml.tokens': [] });
  expect(shown).not.toHaveProperty('tensors');
  const verbose = (await post({ name: 'coder', verbose: true }, '/api/show')).json();
  expect(verbose.tensors).toHaveLength(1);
  expect(verbose.model_info['tokenizer.ggml.tokens']).toHaveLength(7);
  const copilot = await daemon.app.inject({
    method: 'POST',
    url: '/api/show',
    payload: '{"model":"coder"}',
    headers: { 'user-agent': 'GitHubCopilotChat/1' },
  });
  expect(copilot.json().model_info['general.basename']).toBe('coder');
});

test('copy and delete answer 200 with an empty body, and 404 in their own words', async () => {
  const copied = await post({ source: 'demo', destination: 'twin' }, '/api/copy');
  expect([copied.statusCode, copied.body]).toEqual([200, '']);
  const deleted = await post({ name: 'twin' }, '/api/delete', 'DELETE');
  expect([deleted.statusCode, deleted.body]).toEqual([200, '']);
  expect((await post({ model: 'twin' }, '/api/delete', 'DELETE')).json().error).toBe("model 'twin' not found");
  expect((await post({ source: 'twin', destination: 'x' }, '/api/copy')).json().error).toBe('model "twin" not found');
});
