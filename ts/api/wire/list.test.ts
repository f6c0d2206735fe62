import { expect, test } from 'vitest';
import { z } from 'zod';
import { list, record, tokenIds } from './list.ts';
import { optional, parseBody } from './validate.ts';

const WRONG = Array(200_000).fill(1);

/** Counts how many elements are looked at. */
function counting() {
  let looked = 0;
  const schema = z.custom<string>((value) => {
    looked += 1;
    return typeof value === 'string';
  });
  return { schema, looked: () => looked };
}

test('the first wrong element of a list, and the first wrong value of a record, is the only one looked at', () => {
  const element = counting();
  const found = list(element.schema, { maxLength: 1_000_000 }).safeParse(['ok', ...WRONG]);
  expect([element.looked(), found.error?.issues.length]).toEqual([2, 1]);
  expect(found.error?.issues[0]).toMatchObject({ path: [1] });
  const value = counting();
  const table = record(value.schema, { maxLength: 1_000_000 }).safeParse({ a: 'ok', ...WRONG });
  expect([value.looked(), table.error?.issues.length]).toEqual([1, 1]);
});

test('also within unions, objects and lists', () => {
  const element = counting();
  const part = z.looseObject({ type: element.schema });
  const schema = z.object({
    messages: list(z.object({ content: z.union([z.string(), list(part)]) })),
    other: optional(list(part)),
  });
  const content = [{ type: 'a' }, ...Array(50_000).fill({ type: 1 })];
  expect(() => parseBody(schema, { messages: Array(1000).fill({ content }), other: [{ type: 'b' }] })).toThrow(
    /^messages\[0\]\.content: /,
  );
  expect(element.looked()).toBeLessThan(5);
});

test('says what zod says of what is no array, no object, too long, too short or wrong inside', () => {
  const pairs: [z.ZodType, z.ZodType, unknown[]][] = [
    [list(z.string()), z.array(z.string()), [1, 'x', null, {}, [1], ['a', 2], ['a'], []]],
    [list(z.string()).min(1).max(2), z.array(z.string()).min(1).max(2), [[], ['a'], ['a', 'b', 'c']]],
    [record(z.number()), z.record(z.string(), z.number()), [1, [], null, { a: 'b' }, { a: 1 }, {}]],
    [tokenIds(), z.array(z.number().int().min(0)), [[1, 2], [-1], [0.5], ['a'], 3]],
  ];
  for (const [ours, theirs, values] of pairs) {
    for (const value of values) {
      const [a, b] = [ours.safeParse(value), theirs.safeParse(value)];
      expect([a.data, a.error?.issues[0]], JSON.stringify(value)).toEqual([b.data, b.error?.issues[0]]);
    }
  }
});

test('is described as the array or object that it is', () => {
  expect(z.toJSONSchema(list(z.string()).min(1), { io: 'input' })).toMatchObject({
    type: 'array',
    items: { type: 'string' },
    minItems: 1,
  });
  expect(z.toJSONSchema(record(z.number()), { io: 'input' })).toMatchObject({
    type: 'object',
    additionalProperties: { type: 'number' },
  });
});

test('has a length beyond which nothing is looked at', () => {
  const element = counting();
  const { error } = list(element.schema, { maxLength: 3 }).safeParse(['a', 'b', 'c', 'd']);
  expect([element.looked(), error?.issues[0]?.code]).toEqual([0, 'too_big']);
  expect(record(z.number(), { maxLength: 1 }).safeParse({ a: 1, b: 2 }).error?.issues[0]?.code).toBe('too_big');
  expect(tokenIds().safeParse(Array(1_048_577).fill(1)).error?.issues[0]?.code).toBe('too_big');
});

test('a record keeps names that mean something to objects as data', () => {
  const parsed = record(z.number()).parse(JSON.parse('{"__proto__":1,"constructor":2}'));
  expect(Object.keys(parsed)).toEqual(['__proto__', 'constructor']);
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
});
