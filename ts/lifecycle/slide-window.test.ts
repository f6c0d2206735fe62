import { expect, test } from 'vitest';
import type { GenerateEvent } from '../inference/index.ts';
import { promptOf, testModels } from './test-models.ts';

const words = (count: number) => Array.from({ length: count }, (_, at) => `w${at} `);

async function collect(events: AsyncIterable<GenerateEvent>): Promise<GenerateEvent[]> {
  const all: GenerateEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

test('an answer ends with its window, or slides on where that is asked for', async () => {
  const { manager, engine } = testModels({ script: { reply: () => words(100), contextLength: 32 } });
  const request = promptOf('a b c d e f', { maxTokens: 60 });
  const plain = await collect(manager.run('generate', 'a', request));
  expect(plain.at(-1)).toMatchObject({ reason: 'length', windowFull: true });
  const slid = await collect(manager.run('generate', 'a', request, { contextShiftKeep: 2 }));
  expect(slid.filter(({ type }) => type === 'start')).toHaveLength(1);
  const end = slid.at(-1);
  expect(end).toMatchObject({ type: 'end', reason: 'length', usage: { completionTokens: 60 } });
  const start = plain[0]?.type === 'start' ? plain[0].promptTokens : 0;
  expect(end).toMatchObject({ usage: { promptTokens: start } });
  // Behind the first: two tokens of the head and the newest half of the other thirty.
  const sizes = engine.generations.slice(2).map((generation) => {
    const [first] = generation.request.prompt;
    return first?.kind === 'tokens' ? first.tokens.length : 0;
  });
  expect(sizes.length).toBeGreaterThan(1);
  expect(new Set(sizes)).toEqual(new Set([17]));
});

test('an answer that never stops ends after ten windows', async () => {
  const { manager } = testModels({ script: { reply: () => words(100), contextLength: 16 } });
  const events = await collect(manager.run('generate', 'a', promptOf('a b'), { contextShiftKeep: 0 }));
  expect(events.at(-1)).toMatchObject({ reason: 'length', usage: { completionTokens: 160 } });
});

test('an answer that stops by itself is left alone', async () => {
  const { manager, engine } = testModels({ script: { reply: () => words(5), contextLength: 32 } });
  const events = await collect(manager.run('generate', 'a', promptOf('a b'), { contextShiftKeep: 2 }));
  expect(events.at(-1)).toMatchObject({ reason: 'stop', usage: { completionTokens: 5 } });
  expect(engine.generations).toHaveLength(1);
});
