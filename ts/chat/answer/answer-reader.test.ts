import { expect, test } from 'vitest';
import type { ToolDefinition } from '../../inference/index.ts';
import { type ChatFormat, formatOf } from '../chat-format.ts';
import { AnswerReader } from './answer-reader.ts';
import { joinPieces, type Piece } from './piece.ts';

const TOOLS: ToolDefinition[] = [
  {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } },
  },
  { name: 'add' },
];

function format(
  template: string,
  rest: Partial<{ prompt: string; prefill: string; tools: ToolDefinition[] }> = {},
): ChatFormat {
  return formatOf({ template, prompt: rest.prompt ?? '', prefill: rest.prefill, tools: rest.tools ?? TOOLS });
}

const HERMES = format('<think></think><tool_call>');
const OPENED = format('<think></think><tool_call>', { prompt: '<|im_start|>assistant\n<think>\n' });
const NO_TOOLS = format('<think></think><tool_call>', { tools: [] });
const LLAMA = format('<|python_tag|>');
const MISTRAL = format('[TOOL_CALLS]');
const PHI = format('<|tool_call|>');
const PLAIN = format('', { tools: [] });

/** What a client is left with: text, and whole calls. */
type Part = { kind: 'reasoning' | 'content'; text: string } | { kind: 'call'; name: string; arguments: string };

function read(answer: ChatFormat, chunks: string[]): Part[] {
  const reader = new AnswerReader(answer);
  return partsOf([...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.finish()]);
}

function partsOf(pieces: Piece[]): Part[] {
  const parts: Part[] = [];
  let call: Extract<Part, { kind: 'call' }> | undefined;
  for (const piece of joinPieces(pieces)) {
    if (piece.kind === 'call') call = { kind: 'call', name: piece.name, arguments: '' };
    else if (piece.kind === 'arguments')
      call = { ...(call as NonNullable<typeof call>), arguments: `${call?.arguments}${piece.text}` };
    else if (piece.kind === 'call-end') parts.push(call as NonNullable<typeof call>);
    else {
      const last = parts.at(-1);
      if (last !== undefined && 'text' in last && last.kind === piece.kind) last.text += piece.text;
      else parts.push({ ...piece });
    }
  }
  return parts;
}

const content = (text: string): Part => ({ kind: 'content', text });
const reasoning = (text: string): Part => ({ kind: 'reasoning', text });
const call = (name: string, args: unknown): Part => ({ kind: 'call', name, arguments: JSON.stringify(args) });

const CASES: [title: string, format: ChatFormat, text: string, expected: Part[]][] = [
  ['plain text', PLAIN, ' Hello <b>you</b>\n', [content(' Hello <b>you</b>\n')]],
  ['reasoning, then content', HERMES, '<think>\nHm.\n\n</think>\n\nHi', [reasoning('Hm.'), content('Hi')]],
  [
    'a span opened by the prompt',
    OPENED,
    '\nHm <b> a\n</think>\n\nHi\n\nyou',
    [reasoning('Hm <b> a'), content('Hi\n\nyou')],
  ],
  ['a span opened by the prompt and again', OPENED, '<think>\nHm</think>Hi', [reasoning('Hm'), content('Hi')]],
  ['an empty span', HERMES, '<think>\n\n</think>\n\nHi', [content('Hi')]],
  ['a span that never ends', HERMES, '<think>on and on</thi', [reasoning('on and on</thi')]],
  [
    'tags inside the answer are text',
    HERMES,
    'The tag <think> opens </think>.',
    [content('The tag <think> opens </think>.')],
  ],
  [
    'reasoning, content, two calls',
    HERMES,
    '<think>a</think>\nOne moment.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Köln }"}}\n</tool_call>\n<tool_call>{"name":"add","arguments":"{\\"a\\":1}"}</tool_call>\n',
    [reasoning('a'), content('One moment.'), call('get_weather', { city: 'Köln }' }), call('add', { a: 1 })],
  ],
  ['a call without its closing tag', HERMES, '<tool_call>{"name":"add","arguments":{}}', [call('add', {})]],
  ['a call with half a closing tag', HERMES, '<tool_call>{"name":"add","arguments":{}}\n</tool_c', [call('add', {})]],
  [
    'a call that ends early stays what the model said',
    HERMES,
    '<tool_call>\n{"name": "add", "arguments": {"a": [1, "Kö',
    [{ kind: 'call', name: 'add', arguments: '{"a":[1,"Kö' }],
  ],
  [
    'malformed arguments stay what the model said',
    HERMES,
    '<tool_call>{"name": "add", "arguments": {"a": 1, oops}}</tool_call> ok',
    [{ kind: 'call', name: 'add', arguments: '{"a":1, oops}' }, content(' ok')],
  ],
  [
    'a brace too many',
    HERMES,
    '<tool_call>\n{"name": "add", "arguments": {"a": 1}}}\n</tool_call>\n<tool_call>{"name":"add","arguments":{}}]}</tool_call>',
    [call('add', { a: 1 }), call('add', {})],
  ],
  ['a brace too few', HERMES, '<tool_call>{"name":"add","arguments":{"a":{}}\n</tool_call>', [call('add', { a: {} })]],
  [
    'several objects in one pair of tags',
    HERMES,
    '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n{"name": "add", "arguments": {"a": 2}}\n</tool_call>ok',
    [call('add', { a: 1 }), call('add', { a: 2 }), content('ok')],
  ],
  [
    'a call as the last of open reasoning',
    OPENED,
    'I should look.\n<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>\n<tool_call>{"name":"add"}</tool_call>',
    [reasoning('I should look.'), call('add', { a: 1 }), call('add', {})],
  ],
  [
    'a call quoted in reasoning that goes on',
    OPENED,
    'Like <tool_call>{"name":"add"}</tool_call> or <tool_call> alone.\n</think>\n<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>',
    [reasoning('Like <tool_call>{"name":"add"}</tool_call> or <tool_call> alone.'), call('add', { a: 1 })],
  ],
  [
    'a call quoted at the end of reasoning that closes',
    OPENED,
    'So:\n<tool_call>{"name":"add"}</tool_call>\n</think>\n\nDone',
    [reasoning('So:\n<tool_call>{"name":"add"}</tool_call>'), content('Done')],
  ],
  ['text behind a call', HERMES, '<tool_call>{"name":"add"}</tool_call>\nDone.', [call('add', {}), content('\nDone.')]],
  [
    'a malformed call is content',
    HERMES,
    'Look:\n<tool_call>{"name": add}</tool_call> ok',
    [content('Look:\n<tool_call>{"name": add}</tool_call> ok')],
  ],
  [
    'an unfinished call is content',
    HERMES,
    ' <tool_call>\n{"name": "add", "arg',
    [content(' <tool_call>\n{"name": "add", "arg')],
  ],
  [
    'JSON that is no call',
    HERMES,
    '<tool_call>{"city": "Bonn"}</tool_call>',
    [content('<tool_call>{"city": "Bonn"}</tool_call>')],
  ],
  [
    'a bad call before a good one',
    HERMES,
    '<tool_call>no<tool_call>{"name":"add"}</tool_call>',
    [content('<tool_call>no'), call('add', {})],
  ],
  [
    'nothing is a call without tools',
    NO_TOOLS,
    '<tool_call>{"name":"add"}</tool_call>',
    [content('<tool_call>{"name":"add"}</tool_call>')],
  ],
  [
    'functions in markup, typed by the schema',
    HERMES,
    '<tool_call>\n<function=get_weather>\n<parameter=city>\n42\n</parameter>\n<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>',
    [call('get_weather', { city: '42', days: 3 })],
  ],
  ['bare JSON that names a tool', LLAMA, '{"name": "add", "parameters": {"a": 1}}', [call('add', { a: 1 })]],
  [
    'bare calls in a row',
    LLAMA,
    '\n{"name":"add","parameters":{}}; {"name":"get_weather","parameters":{}}',
    [call('add', {}), call('get_weather', {})],
  ],
  ['bare JSON that is an answer', LLAMA, ' {"name": "Ada", "born": 1815}', [content(' {"name": "Ada", "born": 1815}')]],
  ['a tagged call of Llama', LLAMA, '<|python_tag|>{"name": "add", "parameters": {}}', [call('add', {})]],
  ['code behind the tag', LLAMA, '<|python_tag|>print("{}")', [content('<|python_tag|>print("{}")')]],
  [
    'text with braces later',
    LLAMA,
    'Use {"name": "add", "parameters": {}}',
    [content('Use {"name": "add", "parameters": {}}')],
  ],
  [
    'a list of calls',
    MISTRAL,
    'Sure. [TOOL_CALLS] [{"name": "add", "arguments": {"a": 1}, "id": "x"}, {"name": "get_weather", "arguments": {}}]',
    [content('Sure.'), call('add', { a: 1 }), call('get_weather', {})],
  ],
  [
    'a name and its arguments, twice',
    MISTRAL,
    '[TOOL_CALLS]add[CALL_ID]a1b[ARGS]{"a": [1, 2]}[TOOL_CALLS]get_weather{"city": "Rom"}',
    [call('add', { a: [1, 2] }), call('get_weather', { city: 'Rom' })],
  ],
  ['a name and no arguments', MISTRAL, '[TOOL_CALLS]add me up', [content('[TOOL_CALLS]add me up')]],
  ['a list in Phi tags', PHI, '<|tool_call|>[{"name":"add","arguments":{}}]<|/tool_call|>', [call('add', {})]],
  [
    'a list with one bad entry',
    PHI,
    '<|tool_call|>[{"name":"add"}, 3]<|/tool_call|>',
    [call('add', {}), content(', 3]<|/tool_call|>')],
  ],
  [
    'arguments that are no object',
    HERMES,
    '<tool_call>{"name":"add","arguments":[1]}</tool_call>',
    [content('<tool_call>{"name":"add","arguments":[1]}</tool_call>')],
  ],
];

test.each(CASES)('%s', (_title, answer, text, expected) => {
  expect(read(answer, [text])).toEqual(expected);
});

test.each(CASES)('%s: the same for every cutting', (_title, answer, text, expected) => {
  expect(read(answer, [...text])).toEqual(expected);
  const random = generator(text.length);
  for (let round = 0; round < 200; round++) expect(read(answer, cut(text, random))).toEqual(expected);
});

test('a text of random tags reads the same for every cutting, and loses nothing when nothing is a call', () => {
  const scraps = [
    '<think>',
    '</think>',
    '<tool_call>',
    '</tool_call>',
    '{',
    '}',
    '"',
    'a',
    ' ',
    '\n',
    '<',
    '[',
    '{"name":"add"}',
    '<function=',
  ];
  const random = generator(7);
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: 1 + random(12) }, () => scraps[random(scraps.length)]).join('');
    const whole = read(HERMES, [text]);
    for (let cutting = 0; cutting < 5; cutting++) expect(read(HERMES, cut(text, random)), text).toEqual(whole);
    expect(read(HERMES, [...text]), text).toEqual(whole);
    if (!text.trimStart().startsWith('<think>') && whole.every((piece) => piece.kind === 'content')) {
      expect(whole.map((piece) => (piece.kind === 'content' ? piece.text : '')).join('')).toBe(text);
    }
  }
});

function cut(text: string, random: (below: number) => number): string[] {
  const chunks: string[] = [];
  for (let at = 0; at < text.length; ) {
    const length = 1 + random(7);
    chunks.push(text.slice(at, at + length));
    at += length;
  }
  return chunks;
}

/** A small seeded generator, so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
