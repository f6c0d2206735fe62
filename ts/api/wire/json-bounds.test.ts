import { expect, test } from 'vitest';
import { checkJsonBounds, type JsonBounds } from './json-bounds.ts';

const count = (text: string, bounds: Partial<JsonBounds> = {}) =>
  checkJsonBounds(Buffer.from(text), { maxValues: 1000, ...bounds });
const code = (text: string, bounds?: Partial<JsonBounds>) => {
  try {
    return count(text, bounds);
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

test('values are counted outside of strings, and a number is a tenth of one', () => {
  expect(count('')).toBe(0);
  expect(count('"[1,2,{}],,,::"')).toBe(0);
  expect(count(JSON.stringify({ a: 'x', b: [true, null, {}] }))).toBe(6);
  expect(count(JSON.stringify(Array(100).fill(-12.5e3)))).toBe(10);
  expect(count(JSON.stringify({ a: 1, b: -2, c: [3, 4] }))).toBe(4);
  expect(count('[\n 1 ,\t2 ]')).toBe(1);
});

test.each([
  ['\\"'],
  ['\\\\'],
  ['\\\\\\"'],
  [`${'x'.repeat(100)}\\"`],
  [`${'\\\\'.repeat(40)}`],
  [`${'y'.repeat(40)}${'\\\\'.repeat(41)}\\"`],
])('a string that holds %s ends where JSON ends it', (inside) => {
  const text = `["${inside}",{"${inside}":[]}]`;
  expect(() => JSON.parse(text)).not.toThrow();
  expect(count(text)).toBe(4);
});

test('each bound is a bound', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  expect(code(nested(128))).toBe(128);
  expect(code(nested(129))).toBe('invalid_request');
  expect(code('['.repeat(1_000_000))).toBe('invalid_request');
  const object = (size: number) => JSON.stringify(Object.fromEntries(Array.from({ length: size }, (_, i) => [i, 1])));
  expect(code(object(20), { maxProperties: 20 })).toBeTypeOf('number');
  expect(code(object(21), { maxProperties: 20 })).toBe('invalid_request');
  expect(code(`[${object(20)},${object(20)}]`, { maxProperties: 20 })).toBeTypeOf('number');
  const named = (names: number, objects: number) =>
    JSON.stringify(Array.from({ length: objects }, (_, at) => ({ [`name${at % names}`]: null })));
  expect(code(named(90, 400), { maxNames: 100 })).toBeTypeOf('number');
  expect(code(named(150, 400), { maxNames: 100 })).toBe('body_too_large');
  expect(code(JSON.stringify({ ['k'.repeat(30)]: 1 }), { maxKeyBytes: 30 })).toBeTypeOf('number');
  expect(code(JSON.stringify({ ['k'.repeat(31)]: 1 }), { maxKeyBytes: 30 })).toBe('invalid_request');
  expect(code(JSON.stringify({ k: 'v'.repeat(31) }), { maxKeyBytes: 30 })).toBeTypeOf('number');
  expect(code(JSON.stringify(Array(1000).fill(null)))).toBe(1000);
  expect(code(JSON.stringify(Array(1001).fill(null)))).toBe('body_too_large');
  expect(code(JSON.stringify(Array(9000).fill(7)))).toBeTypeOf('number');
  expect(code(JSON.stringify(Array(11_000).fill(7)))).toBe('body_too_large');
});

test('text that is no JSON is bounded and not judged', () => {
  for (const text of ['{"a', '{"a\\', ']]]]', '}{', '"', '\\', ',,,', ':::'])
    expect(code(text), text).toBeTypeOf('number');
});
