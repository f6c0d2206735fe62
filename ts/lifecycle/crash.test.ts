import { expect, test } from 'vitest';
import { settle } from './clock.ts';
import { errorOf, promptOf, testModels, textOf } from './test-models.ts';

test('a crash ends the requests on the runner, and the next request reloads', async () => {
  const { manager, engine } = testModels({ script: { reply: 'a b c d', crashAfter: { tokens: 2 } } });
  const error = await errorOf(textOf(manager.run('generate', 'a', promptOf('x'))));
  expect(error.code).toBe('runner_crashed');
  await settle();
  expect(manager.running()).toEqual([]);
  expect(await textOf(manager.run('generate', 'a', promptOf('x')))).toBe('a b c d');
  expect(engine.loads.map((load) => load.state)).toEqual(['crashed', 'loaded']);
});

test('an idle model that dies is no longer listed', async () => {
  const { manager, engine } = testModels();
  await manager.load('a');
  engine.crash('models/a/a.gguf');
  await settle();
  expect(manager.running()).toEqual([]);
});

test('who waits through a crash is served after a reload, but not for ever', async () => {
  const { manager, engine } = testModels({
    script: { reply: 'a b', crashAfter: { tokens: 1, always: true } },
    limits: { numParallel: 1 },
  });
  const errors = await Promise.all(
    Array.from({ length: 5 }, () => errorOf(textOf(manager.run('generate', 'a', promptOf('x'))))),
  );
  expect(errors.map((error) => error.code)).toEqual(Array(5).fill('runner_crashed'));
  // The first crash takes one, the second takes one more and those who have now seen two.
  expect(engine.loads).toHaveLength(2);
});
