import { expect, test } from 'vitest';
import type { Grammar } from '../inference/index.ts';
import { isPlainGrammar } from './plain-grammar.ts';

const schema = (of: unknown): Grammar => ({ kind: 'json_schema', schema: of });

test('what people send is plain', () => {
  const person = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Person',
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 80, description: 'as spoken' },
      age: { type: 'integer', minimum: 0, maximum: 150 },
      born: { type: 'string', format: 'date' },
      nickname: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null, title: 'Nickname' },
      plate: { type: 'string', pattern: '^[A-Z]{2,3}-\\d{1,4}$' },
      tags: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 10 },
      friends: { type: 'array', items: { $ref: '#/$defs/friend' } },
    },
    required: ['name', 'age'],
    additionalProperties: false,
    $defs: {
      friend: { type: 'object', properties: { friends: { type: 'array', items: { $ref: '#/$defs/friend' } } } },
    },
  };
  const calls = [
    'start: calls',
    'one_call: call_0 | call_1',
    'call_0: "{" SPACE? "\\"name\\"" SPACE? ":" SPACE? "\\"add\\"" SPACE? "," SPACE? arguments_0 SPACE? "}"',
    'call_1: "\\"{1,99999}\\"" arguments_1',
    'announced: SPACE? one_call (SPACE? again_tag SPACE? one_call){0,15}',
    'calls: open_tag announced',
    'SPACE: /[ \\t\\r\\n]{1,4}/',
  ].join('\n');
  const rules = {
    open_tag: { text: '<tool_call>' },
    again_tag: { text: '<x>' },
    arguments_0: { schema: person },
    arguments_1: { schema: true },
  };
  for (const grammar of [
    { kind: 'json_object' },
    schema(person),
    schema(true),
    { kind: 'regex', pattern: '(yes|no)' },
    { kind: 'lark', source: calls, rules },
  ] satisfies Grammar[]) {
    expect(isPlainGrammar(grammar), JSON.stringify(grammar)).toBe(true);
  }
});

test('what multiplies is not', () => {
  const many = <T>(count: number, of: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => of(index));
  const record = <T>(count: number, of: T): Record<string, T> => Object.fromEntries(many(count, (i) => [`p${i}`, of]));
  let deep: unknown = { type: 'string' };
  for (let level = 0; level < 30_000; level++) deep = { items: deep };
  const lark = (source: string): Grammar => ({ kind: 'lark', source });
  const hostile: Grammar[] = [
    schema({ allOf: many(200, (i) => ({ pattern: `a.{${i}}b` })) }),
    schema({ type: 'integer', multipleOf: 7 }),
    schema({ type: 'object', properties: record(301, { type: 'string' }) }),
    schema({ type: 'object', properties: { ['x'.repeat(40_000)]: true } }),
    schema({ anyOf: many(21, () => ({ type: 'string' })) }),
    schema({ anyOf: [{ required: ['a'] }, { required: ['b'] }], properties: { a: true } }),
    schema({ $ref: '#/$defs/a', properties: { a: true }, $defs: { a: true } }),
    schema({ patternProperties: { '^a': true } }),
    schema({ enum: many(10_000, (i) => `${i}`) }),
    schema({ type: 'string', maxLength: 100_000 }),
    schema({ type: 'string', pattern: '^a', maxLength: 10 }),
    schema({ type: 'string', pattern: '(a{1,100}){1,100}' }),
    schema({ type: 'string', pattern: 'a{1000}' }),
    schema({ type: 'string', pattern: 'a?'.repeat(101) }),
    schema({ anyThingNew: 1 }),
    schema(deep),
    schema([]),
    schema({ properties: [] }),
    { kind: 'regex', pattern: '(a|b)*a(a|b){200}' },
    { kind: 'gbnf', source: 'root ::= "a"' },
    lark(many(30, (i) => `R${i}: R${i + 1} R${i + 1}`).join('\n')),
    lark('start: X\nX: /a.*/ & /.*b/'),
    lark('start: X\nX: ~/a/'),
    lark('start: s{1,1000}\ns: "a"'),
    lark('start: %json { "allOf": [] }'),
    lark(`start: ${'"a" '.repeat(5_000)}`),
    { kind: 'lark', source: 'start: d', rules: { d: { schema: { allOf: [] } } } },
  ];
  for (const grammar of hostile) {
    const shown =
      grammar.kind === 'json_schema' && grammar.schema === deep ? 'deep' : JSON.stringify(grammar).slice(0, 100);
    expect(isPlainGrammar(grammar), shown).toBe(false);
  }
});
