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

test('gives the text of an object back as it was; nothing is an empty one', () => {
  const nested = new NestedJson();
  expect(nested.objectText(' {"a": [1, "x"]}', 'p')).toBe(' {"a": [1, "x"]}');
  expect(nested.objectText('  ', 'p')).toBe('{}');
  for (const text of ['[]', '1', 'null', '{', '"x"', 'nope']) {
    expect(() => nested.objectText(text, 'messages[0].x')).toThrow(
      /^messages\[0\]\.x: must be the JSON text of an object$/,
    );
  }
});

test('what stands inside texts is bounded for a request as a whole', () => {
  expect(code(() => new NestedJson().objectText(`{"a":${'['.repeat(3_000_000)}`, 'p'))).toBe('invalid_request');
  expect(code(() => new NestedJson().objectText(`{"a":[${'{},'.repeat(1_000_000)}1]}`, 'p'))).toBe('body_too_large');
  expect(code(() => new NestedJson().objectText(`{"a":"${'x'.repeat(5_000_000)}"}`, 'p'))).toBe('body_too_large');
  const nested = new NestedJson();
  const some = `{"a":[${'{},'.repeat(10_000)}1]}`;
  const codes = Array.from({ length: 12 }, () => code(() => nested.objectText(some, 'p')));
  expect([codes[0], codes.at(-1)]).toEqual([undefined, 'body_too_large']);
});
