import { expect, test } from 'vitest';
import type { OmgError } from '../../errors/index.ts';
import { NestedJson } from './nested-json.ts';

const code = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as OmgError).code;
  }
};

test('arguments stay what the model wrote, malformed or cut off; nothing is an empty object', () => {
  const nested = new NestedJson();
  for (const text of [' {"a": [1, "x"]}', '{"a": "Pa', '[]', 'nope', '{"n": 12345678901234567890, "n": 1.0}']) {
    expect(nested.argumentText(text, 'p')).toBe(text);
  }
  expect(nested.argumentText('  ', 'p')).toBe('{}');
  expect(() => nested.parse('{', 'p', 'must be JSON')).toThrow(/^p: must be JSON$/);
});

test('what stands inside texts is bounded for a request as a whole', () => {
  expect(code(() => new NestedJson().argumentText(`{"a":${'['.repeat(3_000_000)}`, 'p'))).toBe('invalid_request');
  expect(code(() => new NestedJson().argumentText(`{"a":[${'{},'.repeat(1_000_000)}1]}`, 'p'))).toBe('body_too_large');
  expect(code(() => new NestedJson().argumentText(`{"a":"${'x'.repeat(5_000_000)}"}`, 'p'))).toBe('body_too_large');
  const nested = new NestedJson();
  const some = `{"a":[${'{},'.repeat(10_000)}1]}`;
  const codes = Array.from({ length: 12 }, () => code(() => nested.argumentText(some, 'p')));
  expect([codes[0], codes.at(-1)]).toEqual([undefined, 'body_too_large']);
});
