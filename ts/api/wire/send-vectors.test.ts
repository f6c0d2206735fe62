import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { sendVectors } from './send-vectors.ts';

async function answerOf(
  count: number,
  dimensions: number,
): Promise<{ body: { model: string; list: number[][] }; turns: number }> {
  const app = Fastify();
  const vectors = Float32Array.from({ length: count * dimensions }, (_, index) => index / 8);
  const answer = { vectors, dimensions, texts: [] };
  app.get('/', (_request, reply) =>
    sendVectors(reply, answer, { model: 'm' }, ['list', (vector) => Array.from(vector)]),
  );
  let turns = 0;
  const count1 = (): void => {
    turns += 1;
    timer = setImmediate(count1);
  };
  let timer = setImmediate(count1);
  const reply = await app.inject('/');
  clearImmediate(timer);
  await app.close();
  expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
  return { body: reply.json(), turns };
}

test.each([
  [0, 4],
  [1, 4],
  [3, 20_000],
  [5000, 64],
])('%i vectors of %i numbers are one JSON object', async (count, dimensions) => {
  const { body } = await answerOf(count, dimensions);
  expect([body.model, body.list.length]).toEqual(['m', count]);
  expect(body.list.at(-1)?.at(-1)).toBe(count === 0 ? undefined : (count * dimensions - 1) / 8);
});

test('many vectors leave turns to others while they are written', async () => {
  const [few, many] = [await answerOf(10, 64), await answerOf(20_000, 64)];
  expect(many.turns - few.turns).toBeGreaterThan(40);
});
