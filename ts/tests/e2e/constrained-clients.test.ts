import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RealDaemon, realDaemon } from './real-daemon.ts';

// Output formats and forced calls through the clients that people use, over the real engine and the bundled model.

let daemon: RealDaemon;
let ollama: Ollama;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  daemon = await realDaemon();
  ollama = new Ollama({ host: daemon.url });
  openai = new OpenAI({ baseURL: `${daemon.url}/v1`, apiKey: 'any', maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: daemon.url, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => daemon.stop());

const model = 'demo';
const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];
const schema = {
  type: 'object',
  properties: { city: { enum: ['Paris', 'Rome'] }, people: { type: 'integer', minimum: 1, maximum: 99 } },
  required: ['city', 'people'],
  additionalProperties: false,
};
const tools = [
  { name: 'get_weather', parameters: schema },
  { name: 'add', parameters: { type: 'object', properties: { a: { type: 'boolean' } }, required: ['a'] } },
];
const openaiTools = tools.map((tool) => ({ type: 'function' as const, function: tool }));
const DOCUMENT = { city: expect.stringMatching(/^(Paris|Rome)$/), people: expect.any(Number) };

test('ollama-js: a schema and plain JSON, chat and generate, streamed and not', async () => {
  const chat = await ollama.chat({ model, messages, format: schema });
  expect(JSON.parse(chat.message.content)).toEqual(DOCUMENT);
  expect(chat.done_reason).toBe('stop');
  let text = '';
  for await (const part of await ollama.chat({ model, messages, format: schema, stream: true })) {
    text += part.message.content;
  }
  expect(JSON.parse(text)).toEqual(DOCUMENT);
  const prompt = 'Give me JSON';
  const options = { num_predict: 400, temperature: 0 };
  const generated = await ollama.generate({ model, prompt, format: schema, options });
  expect(JSON.parse(generated.response ?? '')).toEqual(DOCUMENT);
  const raw = await ollama.generate({ model, prompt, raw: true, format: schema, options });
  expect(JSON.parse(raw.response ?? '')).toEqual(DOCUMENT);
  const free = await ollama.chat({
    model,
    messages: [{ role: 'user', content: 'Name a city as JSON.' }],
    format: 'json',
    options,
  });
  expect(free.done_reason === 'length' || typeof JSON.parse(free.message.content) === 'object').toBe(true);
});

test('openai: response_format, forced calls, and what cannot be enforced', async () => {
  const response_format = { type: 'json_schema' as const, json_schema: { name: 'n', schema, strict: true } };
  const whole = await openai.chat.completions.create({ model, messages, response_format, n: 2 });
  for (const { message } of whole.choices) expect(JSON.parse(message.content ?? '')).toEqual(DOCUMENT);
  const stream = openai.chat.completions.stream({ model, messages, response_format });
  expect(JSON.parse((await stream.finalChatCompletion()).choices[0]?.message.content ?? '')).toEqual(DOCUMENT);

  const required = { model, messages, tools: openaiTools, tool_choice: 'required' as const, temperature: 1 };
  const forced = await openai.chat.completions.create({ ...required, parallel_tool_calls: false });
  expect(forced.choices[0]?.finish_reason).toBe('tool_calls');
  expect(forced.choices[0]?.message.tool_calls).toHaveLength(1);
  const named = { type: 'function' as const, function: { name: 'get_weather' } };
  const called = openai.chat.completions.stream({ ...required, tool_choice: named });
  const calls = (await called.finalChatCompletion()).choices[0]?.message.tool_calls ?? [];
  expect(calls.length).toBeGreaterThan(0);
  for (const call of calls) {
    if (call.type !== 'function') throw new Error(`a call of type ${call.type}`);
    expect([call.function.name, JSON.parse(call.function.arguments)]).toEqual(['get_weather', DOCUMENT]);
  }

  const impossible = { type: 'object', properties: { a: { type: 'array', uniqueItems: true } } };
  const refused = (strict: boolean) => ({
    type: 'json_schema' as const,
    json_schema: { name: 'n', schema: impossible, strict },
  });
  await expect(
    openai.chat.completions.create({ model, messages, response_format: refused(true), stream: true }),
  ).rejects.toMatchObject({ status: 400, message: expect.stringContaining('schema.properties.a.uniqueItems') });
});

test('grammars, patterns and choices by the names other servers gave them', async () => {
  const post = async (path: string, body: object) => {
    const response = await fetch(`${daemon.url}${path}`, { method: 'POST', body: JSON.stringify({ model, ...body }) });
    return (await response.json()) as {
      choices: { text?: string; message?: { content: string } }[];
      error?: { message: string };
    };
  };
  const chat = await post('/v1/chat/completions', { messages, grammar: 'root ::= "left" | "right" [0-9]{3}' });
  expect(chat.choices[0]?.message?.content).toMatch(/^(left|right\d{3})$/);
  const lark = await post('/v1/chat/completions', {
    messages,
    guided_grammar: 'start: "a" list\nlist: "(" list? ")"',
    max_tokens: 900,
    temperature: 0,
  });
  expect(lark.choices[0]?.message?.content).toMatch(/^a\(+\)*$/);
  const choice = await post('/v1/completions', { prompt: 'The sky is', guided_choice: ['blue', 'green.'] });
  expect(['blue', 'green.']).toContain(choice.choices[0]?.text);
  const bad = await post('/v1/completions', { prompt: 'The sky is', guided_regex: '(' });
  expect(bad.error?.message).toContain('the grammar cannot be compiled');
});

test('openai: responses', async () => {
  const text = { format: { type: 'json_schema' as const, name: 'n', schema, strict: true } };
  const response = await openai.responses.create({ model, input: 'The capital of France?', text });
  expect([response.status, JSON.parse(response.output_text)]).toEqual(['completed', DOCUMENT]);
  const forced = await openai.responses.create({
    model,
    input: 'The capital of France?',
    tools: tools.map((tool) => ({ type: 'function' as const, strict: true, ...tool })),
    tool_choice: { type: 'function', name: 'get_weather' },
    parallel_tool_calls: false,
  });
  const [call, ...others] = forced.output.filter(({ type }) => type !== 'reasoning');
  expect(others).toEqual([]);
  if (call?.type !== 'function_call') throw new Error(`${call?.type} is no call`);
  expect([call.name, JSON.parse(call.arguments)]).toEqual(['get_weather', DOCUMENT]);
});

/** The model may think first. */
function said({ content }: Anthropic.Message): Anthropic.ContentBlock[] {
  return content.filter(({ type }) => type !== 'thinking');
}

test('anthropic: any, a named tool, and an output format', async () => {
  const anthropicTools = tools.map(({ name, parameters }) => ({
    name,
    input_schema: { ...parameters, type: 'object' as const },
  }));
  const body = { model, messages, max_tokens: 400 };
  const forced = await anthropic.messages.create({
    ...body,
    tools: anthropicTools,
    tool_choice: { type: 'tool', name: 'get_weather', disable_parallel_tool_use: true },
  });
  expect(forced.stop_reason).toBe('tool_use');
  expect(said(forced)).toMatchObject([{ type: 'tool_use', name: 'get_weather', input: DOCUMENT }]);
  const any = await anthropic.messages
    .stream({ ...body, tools: anthropicTools, tool_choice: { type: 'any' } })
    .finalMessage();
  expect(said(any).length).toBeGreaterThan(0);
  expect(said(any).filter(({ type }) => type !== 'tool_use')).toEqual([]);
  const format = { type: 'json_schema' as const, schema };
  const written = await anthropic.messages.create({ ...body, output_config: { format } });
  const texts = said(written).map((block) => (block.type === 'text' ? JSON.parse(block.text) : undefined));
  expect(texts).toEqual([DOCUMENT]);

  // Thoughts that are cut short: what follows them is bound as well.
  const short = { thinking: { type: 'enabled' as const, budget_tokens: 2 }, temperature: 0 };
  const hurried = await anthropic.messages.create({ ...body, ...short, output_config: { format } });
  expect(said(hurried).map((block) => (block.type === 'text' ? JSON.parse(block.text) : undefined))).toEqual([
    DOCUMENT,
  ]);
  const called = await anthropic.messages.create({
    ...body,
    ...short,
    tools: anthropicTools,
    tool_choice: { type: 'tool', name: 'get_weather', disable_parallel_tool_use: true },
  });
  expect(said(called)).toMatchObject([{ type: 'tool_use', name: 'get_weather', input: DOCUMENT }]);
});
