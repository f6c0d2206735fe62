import { expect, test } from 'vitest';
import type { ToolDefinition } from '../../inference/index.ts';
import { type ChatFormat, formatOf } from '../chat-format.ts';
import { AnswerReader } from './answer-reader.ts';

const TYPED: ToolDefinition[] = [
  {
    name: 'set_up',
    parameters: {
      type: 'object',
      $defs: { level: { enum: ['1', '2'] } },
      properties: {
        zip: { type: ['string', 'null'] },
        code: { anyOf: [{ type: 'string' }, { type: 'null' }] },
        exact: { type: 'boolean' },
        count: { type: ['integer', 'null'] },
        tags: { type: 'array', items: { type: 'string' } },
        options: { type: 'object' },
        level: { $ref: '#/$defs/level' },
        either: { type: ['string', 'integer'] },
        any: {},
      },
    },
  },
];

const VALUES: [key: string, written: string, json: string][] = [
  ['zip', '1234', '"1234"'],
  ['zip', 'null', 'null'],
  ['zip', 'nullable', '"nullable"'],
  ['zip', 'None', 'null'],
  ['zip', '', '""'],
  ['zip', 'a\nb\n', '"a\\nb\\n"'],
  ['code', 'true', '"true"'],
  ['exact', 'True', 'true'],
  ['exact', 'false', 'false'],
  ['exact', '"true"', 'true'],
  ['count', '9007199254740993', '9007199254740993'],
  ['count', '"7"', '7'],
  ['count', 'None', 'null'],
  ['count', 'many', '"many"'],
  ['tags', "['a', 'b']", '["a","b"]'],
  ['tags', '["a"]', '["a"]'],
  ['options', "{'k': True, 'n': None, 'x': 1.0}", '{"k":true,"n":null,"x":1.0}'],
  ['options', '"{\\"k\\": 1}"', '{"k":1}'],
  ['options', '{"b": 1, "a": 18446744073709551617}', '{"b":1,"a":18446744073709551617}'],
  ['level', '1', '"1"'],
  ['either', '42', '42'],
  ['either', 'x', '"x"'],
  ['any', '1.0', '1.0'],
  ['any', 'True', 'true'],
  ['any', 'plain text', '"plain text"'],
  ['unknown', "['a', {'b': (1, 2)}]", '["a",{"b":[1,2]}]'],
];

test.each(VALUES)('%s, written as %j, is %s', (key, written, json) => {
  for (const [signs, text] of [
    [
      '<tool_call><function=',
      `<tool_call>\n<function=set_up>\n<parameter=${key}>\n${written}\n</parameter>\n</function>\n</tool_call>`,
    ],
    [
      '<tool_call><arg_key>',
      `<tool_call>set_up\n<arg_key>${key}</arg_key>\n<arg_value>${written}</arg_value>\n</tool_call>`,
    ],
  ] as const) {
    // GLM's tags stand around the value itself.
    if (signs.includes('arg_key') && written.endsWith('\n')) continue;
    const format = formatOf({ template: signs, prompt: '', prefill: undefined, tools: TYPED });
    for (const chunks of [[text], text.split('')])
      expect(callsOf(format, chunks)).toEqual([['set_up', `{"${key}":${json}}`]]);
  }
});

function callsOf(format: ChatFormat, chunks: string[]): [name: string, json: string][] {
  const reader = new AnswerReader(format);
  const calls: [string, string][] = [];
  for (const piece of [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.finish()]) {
    if (piece.kind === 'call') calls.push([piece.name, '']);
    const last = calls.at(-1);
    if (piece.kind === 'arguments' && last !== undefined) last[1] += piece.text;
  }
  return calls;
}
