import { expect, test } from 'vitest';
import { settle } from './clock.ts';
import { errorOf, promptOf, testModels, textOf } from './test-models.ts';

test('the least recently used idle model leaves when one too many is asked for', async () => {
  const { manager, clock } = testModels({ limits: { maxLoadedModels: 2 } });
  await textOf(manager.run('generate', 'a', promptOf('x')));
  await clock.advance(10);
  await textOf(manager.run('generate', 'b', promptOf('x')));
  await clock.advance(10);
  await textOf(manager.run('generate', 'a', promptOf('x')));
  await clock.advance(10);
  await textOf(manager.run('generate', 'c', promptOf('x')));
  expect(
    manager
      .running()
      .map((model) => model.name)
      .sort(),
  ).toEqual(['a:latest', 'c:latest']);
});

test('a busy model is waited for, and what comes later for it comes after', async () => {
  const { manager, engine, clock } = testModels({ script: { tokenMs: 10 }, limits: { maxLoadedModels: 1 } });
  const busy = textOf(manager.run('generate', 'a', promptOf('1 2 3')));
  await settle();
  const other = textOf(manager.run('generate', 'b', promptOf('other')));
  await settle();
  const later = textOf(manager.run('generate', 'a', promptOf('later')));
  await clock.advance(20);
  expect(engine.loads).toHaveLength(1);
  await clock.advance(50);
  await clock.advance(50);
  expect(await Promise.all([busy, other, later])).toEqual(['1 2 3', 'other', 'later']);
  expect(engine.loads.map((load) => load.path.at(7))).toEqual(['a', 'b', 'a']);
});

test('memory decides too: idle models leave until the new one fits', async () => {
  const loaded = (): number => engine.loads.filter((load) => load.state === 'loaded').length;
  const { manager, engine, clock } = testModels({
    script: () => ({
      contextLength: 8192,
      memory: { totalBytes: 6, availableBytes: 12 - 5 * loaded(), fits: 12 - 5 * loaded() >= 6 },
    }),
    limits: { maxLoadedModels: 0 },
  });
  await manager.load('a');
  await clock.advance(1);
  await manager.load('b');
  await clock.advance(1);
  expect(manager.running()).toHaveLength(2);
  await manager.load('c');
  expect(manager.running().map((model) => model.name)).toEqual(['c:latest', 'b:latest']);
});

test('what fits nowhere is refused with both numbers, and nobody is evicted for it', async () => {
  const { manager } = testModels({
    script: (path) =>
      path.includes('/b.') ? { memory: { totalBytes: 3 * 2 ** 30, availableBytes: 2 ** 30, fits: false } } : {},
  });
  const alone = await errorOf(manager.load('b'));
  expect(alone).toMatchObject({ code: 'out_of_memory', detail: { totalBytes: 3 * 2 ** 30, availableBytes: 2 ** 30 } });
  await manager.load('a');
  const beside = await errorOf(manager.load('b'));
  expect(beside).toMatchObject({ code: 'out_of_memory', detail: { totalBytes: 3 * 2 ** 30, availableBytes: 2 ** 30 } });
  expect(beside.message).toMatch(/3\.0 GiB.*1\.0 GiB/);
  expect(manager.running().map((model) => model.name)).toEqual(['a:latest']);
});

test('an idle model makes way when it leaves the new one only a cramped window', async () => {
  const idle = (): boolean => engine.loads.some((load) => load.state === 'loaded');
  const { manager, engine } = testModels({
    script: () => ({
      contextLength: idle() ? 512 : 8192,
      memory: { availableBytes: idle() ? 1_100_000 : 8 * 2 ** 30 },
    }),
  });
  await manager.load('a');
  await manager.load('b');
  expect(manager.running()).toMatchObject([{ name: 'b:latest', info: { contextLength: 8192 } }]);
});

test('two loads at once do not promise the same memory twice', async () => {
  const { manager, engine, clock } = testModels({
    script: { loadMs: 100, memory: { totalBytes: 6, availableBytes: 10, fits: true } },
    limits: { maxLoadedModels: 0 },
  });
  const first = manager.load('a');
  const second = manager.load('b');
  await settle();
  expect(engine.loads).toHaveLength(1);
  await clock.advance(100);
  await clock.advance(100);
  await Promise.all([first, second]);
  expect(engine.loads).toHaveLength(2);
});
