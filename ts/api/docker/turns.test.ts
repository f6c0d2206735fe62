import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

const open = new AbortController().signal;

test('so many work at once, the others wait in order', async () => {
  const turns = new Turns(2);
  const order: number[] = [];
  const first = await turns.take(open);
  const second = await turns.take(open);
  const later = [3, 4].map(async (number) => {
    const giveBack = await turns.take(open);
    order.push(number);
    return giveBack;
  });
  await new Promise(setImmediate);
  expect(order).toEqual([]);
  first();
  first();
  await new Promise(setImmediate);
  expect(order).toEqual([3]);
  second();
  await Promise.all(later);
  expect(order).toEqual([3, 4]);
});

test('who leaves while waiting takes no turn', async () => {
  const turns = new Turns(1);
  const giveBack = await turns.take(open);
  const leaving = new AbortController();
  const waiting = turns.take(leaving.signal);
  leaving.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  giveBack();
  await expect(turns.take(open)).resolves.toBeTypeOf('function');
});
