import { expect, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import { settle } from './clock.ts';
import { promptOf, testModels, textOf } from './test-models.ts';

const EXPECTED = new Set(['cancelled', 'runner_crashed', 'server_busy', 'model_load_failed']);

/** Whatever comes in whatever order: every request ends, with its own answer or an error that fits, and never are too many models loaded. */
test.each(Array.from({ length: 12 }, (_, seed) => seed))('turmoil %i', async (seed) => {
  const random = generator(seed);
  const maxLoadedModels = 1 + (seed % 2);
  const names = ['a', 'b', 'c'];
  const loadError = new OmgError('model_load_failed', 'no luck');
  const { manager, engine, clock } = testModels({
    script: () => ({ loadMs: random(30), tokenMs: random(4), ...(random(12) === 0 ? { loadError } : {}) }),
    limits: { maxLoadedModels, numParallel: 1 + random(3), maxQueue: 4 + random(8), keepAliveMs: 50 },
    names,
  });
  const outcomes: Promise<void>[] = [];
  for (let step = 0; step < 120; step++) {
    const name = names[random(names.length)] ?? 'a';
    const dice = random(20);
    if (dice < 12) {
      const caller = new AbortController();
      const text = `request ${step} says hello`;
      const use = {
        signal: caller.signal,
        ...(random(6) === 0 ? { keepAliveMs: random(3) * 20 } : {}),
        ...(random(8) === 0 ? { contextLength: 1024 << random(4) } : {}),
      };
      outcomes.push(
        textOf(manager.run('generate', name, promptOf(text), use)).then(
          (answer) => expect(caller.signal.aborted ? text.startsWith(answer) : answer === text).toBe(true),
          (error: OmgError) => expect(EXPECTED).toContain(error.code),
        ),
      );
      if (random(4) === 0) clock.timer(random(40), () => caller.abort());
    } else if (dice < 14) {
      outcomes.push(manager.unload(name).then(() => {}));
    } else if (dice < 16) {
      engine.crash(`models/${name}/${name}.gguf`);
    } else {
      await clock.advance(random(20));
    }
    const inMemory = engine.loads.filter((load) => load.state === 'loaded' || load.state === 'loading');
    expect(inMemory.length).toBeLessThanOrEqual(maxLoadedModels);
  }
  let settled = false;
  const all = Promise.all(outcomes).then(() => {
    settled = true;
  });
  for (let round = 0; round < 200 && !settled; round++) await clock.advance(50);
  expect(settled).toBe(true);
  await all;
  await clock.advance(1000);
  expect(manager.running()).toEqual([]);
  await manager.close(0);
  await settle();
  expect(engine.loads.filter((load) => load.state === 'loaded' || load.state === 'loading')).toEqual([]);
});

function generator(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 12345;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
