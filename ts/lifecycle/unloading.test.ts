import { expect, test } from 'vitest';
import { settle } from './clock.ts';
import { errorOf, promptOf, testModels, textOf } from './test-models.ts';

test('unload waits for the answers under way and says whether there was anything to unload', async () => {
  const { manager, clock } = testModels({ script: { tokenMs: 10 } });
  expect(await manager.unload('a')).toBe(false);
  const answer = textOf(manager.run('generate', 'a', promptOf('1 2')));
  await settle();
  const unloaded = manager.unload('a');
  await clock.advance(10);
  expect(manager.running()).toHaveLength(1);
  await clock.advance(10);
  expect(await answer).toBe('1 2');
  expect(await unloaded).toBe(true);
  expect(manager.running()).toEqual([]);
  expect((await errorOf(manager.unload('nothing'))).code).toBe('model_not_found');
});

test('removing a loaded model unloads it first', async () => {
  const { manager, engine } = testModels();
  await manager.load('a');
  await manager.remove('a');
  expect(engine.loads[0]?.state).toBe('unloaded');
  expect((await errorOf(textOf(manager.run('generate', 'a', promptOf('x'))))).code).toBe('model_not_found');
  expect((await errorOf(manager.remove('a'))).code).toBe('model_not_found');
});

test('closing refuses what waits and what comes, and lets answers finish', async () => {
  const { manager, clock, engine } = testModels({ script: { tokenMs: 10 }, limits: { numParallel: 1 } });
  const running = textOf(manager.run('generate', 'a', promptOf('1 2')));
  await settle();
  const waiting = errorOf(textOf(manager.run('generate', 'a', promptOf('w'))));
  await settle();
  const closed = manager.close(1000);
  expect((await waiting).code).toBe('shutting_down');
  expect((await errorOf(textOf(manager.run('generate', 'a', promptOf('n'))))).code).toBe('shutting_down');
  await clock.advance(20);
  expect(await running).toBe('1 2');
  await closed;
  expect(engine.loads[0]?.state).toBe('unloaded');
});

test('answers that take longer than the drain are cut off', async () => {
  const { manager, clock, engine } = testModels({ script: { tokenMs: 100, reply: 'a b c d e f' } });
  const running = textOf(manager.run('generate', 'a', promptOf('x')));
  await settle();
  const closed = manager.close(250);
  await clock.advance(250);
  await closed;
  expect(await running).toBe('a b');
  expect(engine.generations[0]?.state).toBe('cancelled');
});
