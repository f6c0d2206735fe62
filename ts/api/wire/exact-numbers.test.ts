import { expect, test } from 'vitest';
import { findExactNumbers, putExactNumbers } from './exact-numbers.ts';
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
  expect(findExactNumbers(text)).toEqual([]);
  expect(takeParsed(parseJson(Buffer.from(text), BOUNDS))).toMatchObject({ temperature: 1, max_tokens: 100 });
});

test('they come back from a thread, under keys of any name', async () => {
  const threads = new JsonThreads();
  const text = `{"tools":{"__proto__":{"constructor":1.50}},"pad":"${'x'.repeat(300_000)}"}`;
  const value = await threads.parse(new Uint8Array(Buffer.from(text)), BOUNDS, new AbortController().signal);
  await threads.close();
  expect(JSON.stringify(value)).toBe(text);
});

test('a place that is not there is left alone', () => {
  expect(putExactNumbers({ tools: 1 }, [{ path: ['tools', 'a', 0], text: '1.0' }])).toEqual({ tools: 1 });
});
