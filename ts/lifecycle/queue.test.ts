import { expect, test } from 'vitest';
import { settle } from './clock.ts';
import { errorOf, promptOf, testModels, textOf } from './test-models.ts';

test('requests over the parallel limit wait their turn, in order', async () => {
  const { manager, engine, clock } = testModels({ script: { tokenMs: 10 }, limits: { numParallel: 2 } });
  const answers = ['one', 'two', 'three', 'four'].map((text) => textOf(manager.run('generate', 'a', promptOf(text))));
  await settle();
  expect(manager.running()).toMatchObject([{ activeRequests: 2, queuedRequests: 2 }]);
  expect(engine.generations.map(({ promptText }) => promptText)).toEqual(['one', 'two']);
  await clock.advance(20);
  expect(await Promise.all(answers)).toEqual(['one', 'two', 'three', 'four']);
  expect(engine.generations.map(({ promptText }) => promptText)).toEqual(['one', 'two', 'three', 'four']);
});

test('a full queue refuses at once, and lists do not wait on it', async () => {
  const { manager, clock } = testModels({ script: { tokenMs: 10 }, limits: { numParallel: 1, maxQueue: 2 } });
  const accepted = ['1', '2', '3'].map((text) => textOf(manager.run('generate', 'a', promptOf(text))));
  await settle();
  const refused = await errorOf(textOf(manager.run('generate', 'a', promptOf('4'))));
  expect(refused.code).toBe('server_busy');
  expect((await manager.list()).map((model) => model.name)).toEqual(['a:latest', 'b:latest', 'c:latest']);
  await clock.advance(30);
  expect(await Promise.all(accepted)).toEqual(['1', '2', '3']);
});

test('a waiting request that is cancelled leaves at once and makes room', async () => {
  const { manager, clock, engine } = testModels({ script: { tokenMs: 10 }, limits: { numParallel: 1, maxQueue: 1 } });
  const first = textOf(manager.run('generate', 'a', promptOf('first')));
  await settle();
  const caller = new AbortController();
  const leaves = errorOf(textOf(manager.run('generate', 'a', promptOf('leaves'), { signal: caller.signal })));
  await settle();
  caller.abort();
  expect((await leaves).code).toBe('cancelled');
  const next = textOf(manager.run('generate', 'a', promptOf('next')));
  await settle();
  await clock.advance(20);
  expect(await Promise.all([first, next])).toEqual(['first', 'next']);
  expect(engine.generations).toHaveLength(2);
});

test('leaving the loop early cancels the generation and frees its place', async () => {
  const { manager, engine, clock } = testModels({
    script: { tokenMs: 10, reply: 'a b c d e f g h' },
    limits: { numParallel: 1 },
  });
  const read = (async () => {
    for await (const event of manager.run('generate', 'a', promptOf('x'))) if (event.type === 'text') break;
  })();
  await settle();
  await clock.advance(10);
  await read;
  expect(engine.generations[0]).toMatchObject({ state: 'cancelled', tokens: 1 });
  expect(manager.running()).toMatchObject([{ activeRequests: 0 }]);
});

test('a cancelled signal ends the answer with reason cancelled', async () => {
  const { manager, engine, clock } = testModels({ script: { tokenMs: 10, reply: 'a b c d' } });
  const caller = new AbortController();
  const reasons: string[] = [];
  const read = (async () => {
    for await (const event of manager.run('generate', 'a', promptOf('x'), { signal: caller.signal })) {
      if (event.type === 'end') reasons.push(event.reason);
    }
  })();
  await settle();
  await clock.advance(10);
  caller.abort();
  await read;
  expect(reasons).toEqual(['cancelled']);
  expect(engine.generations[0]?.state).toBe('cancelled');
});

test('the queue is told on the event stream', async () => {
  const { manager } = testModels();
  const events = manager.events();
  await textOf(manager.run('generate', 'a', promptOf('x')));
  await manager.unload('a');
  await manager.close(0);
  const seen: string[] = [];
  for await (const event of events) seen.push(event.type);
  expect(seen.filter((type) => type !== 'queue')).toEqual(['model.loading', 'model.loaded', 'model.unloaded']);
  expect(seen).toContain('queue');
});
