import { afterEach, expect, test, vi } from 'vitest';
import { ResponseStore, type StoredResponse } from './responses-store.ts';

afterEach(() => vi.useRealTimers());

const stored = (id: string, size = 0): StoredResponse => ({
  response: { id, output: [{ type: 'reasoning', id: `rs_${id}`, summary: [] }] } as never,
  input: [{ type: 'message', id: `msg_${id}`, content: 'x'.repeat(size) }],
  conversation: [],
});

test('keeps for an hour and no longer, also when nobody asks', () => {
  vi.useFakeTimers();
  const store = new ResponseStore();
  const mine = store.of('me');
  mine.put(stored('a'));
  vi.advanceTimersByTime(3_599_000);
  expect(mine.get('a')?.response.id).toBe('a');
  mine.put(stored('b'));
  vi.advanceTimersByTime(1_000);
  expect([mine.get('a'), mine.get('b')?.response.id]).toEqual([undefined, 'b']);
  vi.advanceTimersByTime(3_660_000);
  expect(store.bytes).toBe(0);
  mine.put(stored('c'));
  vi.advanceTimersByTime(3_660_000);
  expect(store.bytes).toBe(0);
  store.close();
});

test('the oldest give way to new ones; one that is too large is not kept', () => {
  const store = new ResponseStore({ maxBytes: 3000 });
  const mine = store.of('me');
  for (const id of ['a', 'b', 'c']) mine.put(stored(id, 1200));
  expect(['a', 'b', 'c'].map((id) => mine.get(id) !== undefined)).toEqual([false, true, true]);
  mine.put(stored('d', 5000));
  expect(['b', 'c', 'd'].map((id) => mine.get(id) !== undefined)).toEqual([true, true, false]);
  expect(store.bytes).toBeLessThanOrEqual(3000);
  expect([mine.delete('b'), mine.delete('b'), mine.delete('c'), store.bytes]).toEqual([true, false, true, 0]);
  store.close();
});

test('finds items by id, asked or answered', () => {
  const store = new ResponseStore();
  const mine = store.of('me');
  mine.put(stored('a'));
  expect(['rs_a', 'msg_a', 'msg_b'].map((id) => mine.findItem(id)?.type)).toEqual(['reasoning', 'message', undefined]);
  store.close();
});

test('what one owner keeps no other can read, go on from or delete', () => {
  const store = new ResponseStore();
  const [mine, yours] = [store.of('me'), store.of('you')];
  mine.put(stored('a'));
  expect([yours.get('a'), yours.findItem('msg_a'), yours.delete('a')]).toEqual([undefined, undefined, false]);
  expect(mine.get('a')?.response.id).toBe('a');
  store.close();
});

test('items are found in whichever response still has them, however many there are', () => {
  const store = new ResponseStore({ maxBytes: 1_000_000_000 });
  const mine = store.of('me');
  const shared = { type: 'message', id: 'msg_shared', content: 'x' };
  mine.put({ ...stored('a'), input: [shared] });
  mine.put({ ...stored('b'), input: [shared] });
  mine.delete('a');
  expect(mine.findItem('msg_shared')?.content).toBe('x');
  mine.delete('b');
  expect(mine.findItem('msg_shared')).toBeUndefined();
  for (let index = 0; index < 20_000; index++) mine.put(stored(`r${index}`));
  const startedAt = performance.now();
  for (let index = 0; index < 50_000; index++) mine.findItem(`msg_r${index}`);
  // All against all takes minutes.
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  store.close();
});

test('small ones are counted as well', () => {
  const store = new ResponseStore();
  const mine = store.of('me');
  for (let index = 0; index <= 10_000; index++) mine.put(stored(`${index}`));
  expect([mine.get('0'), mine.get('1')?.response.id, mine.get('10000')?.response.id]).toEqual([
    undefined,
    '1',
    '10000',
  ]);
  store.close();
});
