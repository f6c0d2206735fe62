import { expect, test } from 'vitest';
import { exactJson } from '../../inference/index.ts';
import { findWritten, putWritten } from './as-written.ts';
import { parseJson, takeParsed } from './json.ts';
import { JsonThreads } from './json-threads.ts';

const BOUNDS = { maxValues: 10_000 };
const TOOLS =
  '[{"function":{"parameters":{"properties":{"id":{"const":1234567890123456789},"of":{"enum":[1.0,1e3,-0]}}}}}]';

test('numbers of what is passed on stay as they were written', () => {
  const text = `{"tools":${TOOLS},"messages":[{"tool_calls":[{"function":{"arguments":{"n":9007199254740993}}}]}]}`;
  const value = takeParsed(parseJson(Buffer.from(text), BOUNDS));
  expect(JSON.stringify(value)).toBe(text);
});

test('everywhere else a number is a number', () => {
  const text = '{"temperature":1.0,"seed":12345678901234567890,"max_tokens":1e2,"input":[1.0],"options":{"top_k":2.0}}';
  expect(findWritten(text)).toEqual([]);
  expect(takeParsed(parseJson(Buffer.from(text), BOUNDS))).toMatchObject({ temperature: 1, max_tokens: 100 });
});

test('they come back from a thread, under keys of any name', async () => {
  const threads = new JsonThreads();
  const text = `{"tools":{"__proto__":{"constructor":1.50}},"pad":"${'x'.repeat(300_000)}"}`;
  const bytes = new Uint8Array(Buffer.from(text));
  const job = { bytes, limitBytes: bytes.length, bounds: BOUNDS };
  const value = takeParsed((await threads.parse(job, new AbortController().signal)).parsed);
  await threads.close();
  expect(JSON.stringify(value)).toBe(text);
});

test('a place that is not there is left alone', () => {
  expect(putWritten({ tools: 1 }, [{ path: ['tools', 'a', 0], text: '1.0' }])).toEqual({ tools: 1 });
});

const read = (text: string): unknown => takeParsed(parseJson(Buffer.from(text), BOUNDS));

test('keys stay in their order, also such as are numbers, and twice where they stand twice', () => {
  for (const object of [
    '{"b":1,"10":2,"9":{"x":[{"z":0,"1":[]}]}}',
    '{"10":1,"9":2}',
    '{"a":1,"a":{"n":1.0},"a":[{"n":2}]}',
    '{ "a b" : "}\\"{" , "0" : "\\u0041" }',
    '{"a":[1.50,{"a\\"":[],"0":{}}],"-0":-0,"a":1e5}',
    '{"__proto__":1,"0":2}',
    '{"4294967295":1,"4294967294":2,"0":3}',
  ]) {
    const text = `{"messages":[[],{"text":"x"},{"arguments":${object}}]}`;
    const { messages } = read(text) as { messages: { arguments: unknown }[] };
    expect(exactJson(messages[2]?.arguments)).toBe(object);
  }
});

test('an object that stays as it is has no text of its own, and numbers below a key that comes again are those of the last', () => {
  expect(findWritten('{"tools":[{"0":1,"1":2,"a":3,"b":[]}],"seed":{"b":1,"0":2}}')).toEqual([]);
  const { tools } = read('{"tools":[{"a":{"n":1.0},"a":{"n":2}}]}') as { tools: { a: object }[] };
  expect(exactJson(tools[0]?.a)).toBe('{"n":2}');
});

test('objects inside each other do not make a body many times its size', () => {
  const depth = 100;
  const nested = `${'{"b":1,"0":'.repeat(depth)}1${'}'.repeat(depth)}`;
  const text = `{"tools":[${Array.from({ length: 50 }, () => nested).join()}]}`;
  const kept = findWritten(text).reduce((sum, written) => sum + written.text.length, 0);
  expect([kept > text.length, kept <= 4 * text.length]).toEqual([true, true]);
});

test('random JSON comes through as it was written', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  const keys = ['a', 'b', '0', '1', '10', 'a"', '\\', '{', 'é', '01', '-1'];
  const value = (depth: number): string => {
    const kind = random(depth > 4 ? 5 : 7);
    if (kind < 5) return ['1', '1.0', '-0', 'true', JSON.stringify(keys[random(keys.length)])][kind] as string;
    const size = random(4);
    if (kind === 5) return `[${Array.from({ length: size }, () => value(depth + 1)).join()}]`;
    return `{${Array.from({ length: size }, () => `${JSON.stringify(keys[random(keys.length)])}:${value(depth + 1)}`).join()}}`;
  };
  for (let round = 0; round < 2000; round++) {
    const text = value(0);
    const { format } = read(`{"format":{"x":${text}}}`) as { format: { x: unknown } };
    expect(exactJson(format.x)).toBe(text);
  }
});
