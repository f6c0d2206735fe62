import { expect, test } from 'vitest';
import { exactJson, keepText, keysAsWritten } from './exact-json.ts';

function written(text: string): object {
  const value = JSON.parse(text) as object;
  keepText(value, text);
  return value;
}

test.each([
  ['{"b":1,"10":2,"9":3}', ['b', '10', '9']],
  ['{ "b" : {"x": 1, "7": [{"y": "z\\": {"}]}, "2":"a:b", "1" : ["c", {"d":1}] }', ['b', '2', '1']],
  ['{"2":1,"a\\"b":{},"\\u0031":"}","2":5}', ['2', 'a"b', '1']],
  ['{}', []],
])('the keys of %s are known in their order', (text, keys) => {
  expect(keysAsWritten(written(text))).toEqual(keys);
  expect([...keys].sort()).toEqual(Object.keys(JSON.parse(text) as object).sort());
});

test('an object whose text nobody kept has the order of JavaScript', () => {
  expect(keysAsWritten({ b: 1, 1: 2 })).toEqual(['1', 'b']);
});

test('an object within others is written as it was', () => {
  const text = '{"b": 1.0, "10": 12345678901234567890}';
  expect(exactJson({ kind: 'x', list: [{ inner: written(text) }] })).toBe(`{"kind":"x","list":[{"inner":${text}}]}`);
});
