import { isIPv4 } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomFrom, randomObjectSchema } from './random-schema.ts';
import { type RealDaemon, realDaemon } from './real-daemon.ts';

// Hot answers of the bundled model under random schemas: whatever is complete validates, with thoughts and without, streamed and not.

const FORMATS = 320;
const CALLS = 240;
/** Requests under way at once. */
const TOGETHER = 16;
const MAX_TOKENS = 500;

const ajv = new Ajv2020({
  strict: false,
  formats: {
    date: (text: string) => !Number.isNaN(Date.parse(text)) && text.length === 10,
    ipv4: (text: string) => isIPv4(text),
    uuid: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i,
  },
});
let daemon: RealDaemon;

beforeAll(async () => {
  daemon = await realDaemon();
});
afterAll(() => daemon.stop());

interface Case {
  index: number;
  schema: Record<string, unknown>;
  stream: boolean;
  think: boolean;
  temperature: number;
}

function cases(count: number, seed: number): Case[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, index) => ({
    index,
    schema: randomObjectSchema(random),
    stream: index % 2 === 0,
    think: index % 4 < 2,
    temperature: 1 + (index % 3) * 0.25,
  }));
}

/** Runs the cases, some at once, and counts those that came to their end. */
async function complete(all: Case[], run: (one: Case) => Promise<boolean>): Promise<number> {
  const waiting = [...all];
  let done = 0;
  const work = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) if (await run(one)) done += 1;
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
  return done;
}

async function post(path: string, body: object): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${daemon.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text} for ${JSON.stringify(body)}`);
  const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream');
  const lines = isEvents
    ? text.split('\n').flatMap((line) => /^data: (\{.*)/.exec(line)?.[1] ?? [])
    : text.trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function mustFollow(schema: object, text: string, one: Case): void {
  const validate = ajv.compile(schema);
  const value: unknown = JSON.parse(text);
  expect(
    validate(value),
    `${text} under ${JSON.stringify(schema)} (case ${one.index}): ${ajv.errorsText(validate.errors)}`,
  ).toBe(true);
}

const question = (index: number) => ({ role: 'user', content: `What is ${index} plus ${index % 7}?` });

interface OllamaPart {
  message: { content: string };
  done_reason?: string;
}

test('documents of /api/chat validate', { timeout: 240_000 }, async () => {
  const done = await complete(cases(FORMATS, 1), async (one) => {
    const parts = (await post('/api/chat', {
      model: 'demo',
      messages: [question(one.index)],
      stream: one.stream,
      think: one.think,
      format: one.schema,
      options: { temperature: one.temperature, top_k: 0, top_p: 1, seed: one.index, num_predict: MAX_TOKENS },
    })) as unknown as OllamaPart[];
    if (parts.at(-1)?.done_reason === 'length') return false;
    mustFollow(one.schema, parts.map(({ message }) => message.content).join(''), one);
    return true;
  });
  expect(done).toBeGreaterThan(FORMATS * 0.9);
});

interface WireCall {
  index?: number;
  function: { name?: string; arguments?: string };
}

interface OpenAiPart {
  choices: {
    finish_reason: string | null;
    message?: { content: string | null; tool_calls?: WireCall[] };
    delta?: { content?: string; tool_calls?: WireCall[] };
  }[];
}

test('forced calls of /v1/chat/completions parse and validate', { timeout: 240_000 }, async () => {
  const done = await complete(cases(CALLS, 2), async (one) => {
    const other = { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] };
    const tools = [
      { type: 'function', function: { name: 'first_tool', parameters: one.schema, strict: true } },
      { type: 'function', function: { name: 'other.tool', parameters: other } },
    ];
    const named = { type: 'function', function: { name: 'first_tool' } };
    const parts = (await post('/v1/chat/completions', {
      model: 'demo',
      messages: [question(one.index)],
      stream: one.stream,
      think: one.think,
      tools,
      tool_choice: one.index % 3 === 0 ? named : 'required',
      parallel_tool_calls: one.index % 5 === 0,
      temperature: one.temperature,
      seed: one.index,
      max_tokens: MAX_TOKENS,
    })) as unknown as OpenAiPart[];
    const choices = parts.flatMap((part) => part.choices);
    if (choices.some((choice) => choice.finish_reason === 'length')) return false;
    expect(choices.at(-1)?.finish_reason).toBe('tool_calls');
    expect(choices.map(({ message, delta }) => message?.content ?? delta?.content ?? '').join('')).toBe('');
    const calls = joinCalls(choices.flatMap(({ message, delta }) => message?.tool_calls ?? delta?.tool_calls ?? []));
    expect(calls.length).toBeGreaterThan(0);
    if (one.index % 5 !== 0) expect(calls).toHaveLength(1);
    for (const call of calls) {
      expect(['first_tool', 'other.tool']).toContain(call.name);
      if (one.index % 3 === 0) expect(call.name).toBe('first_tool');
      mustFollow(call.name === 'first_tool' ? one.schema : other, call.arguments, one);
    }
    return true;
  });
  expect(done).toBeGreaterThan(CALLS * 0.9);
});

/** Calls come whole, or in pieces that name their index. */
function joinCalls(pieces: WireCall[]): { name: string; arguments: string }[] {
  const calls: { name: string; arguments: string }[] = [];
  for (const [at, piece] of pieces.entries()) {
    const index = piece.index ?? at;
    const before = calls[index] ?? { name: '', arguments: '' };
    calls[index] = {
      name: before.name + (piece.function.name ?? ''),
      arguments: before.arguments + (piece.function.arguments ?? ''),
    };
  }
  return calls;
}

test('strict tools bind the calls that a model makes of its own accord', { timeout: 240_000 }, async () => {
  let called = 0;
  await complete(cases(60, 3), async (one) => {
    const tools = [{ type: 'function', function: { name: 'get_weather', parameters: one.schema, strict: true } }];
    const parts = (await post('/v1/chat/completions', {
      model: 'demo',
      messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
      stream: one.stream,
      think: one.think,
      tools,
      temperature: 1,
      seed: one.index,
      max_tokens: MAX_TOKENS,
    })) as unknown as OpenAiPart[];
    const choices = parts.flatMap((part) => part.choices);
    if (choices.some((choice) => choice.finish_reason === 'length')) return false;
    for (const call of joinCalls(
      choices.flatMap(({ message, delta }) => message?.tool_calls ?? delta?.tool_calls ?? []),
    )) {
      mustFollow(one.schema, call.arguments, one);
      called += 1;
    }
    return true;
  });
  expect(called).toBeGreaterThan(20);
});
