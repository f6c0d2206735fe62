import { expect, test } from 'vitest';
import { settle } from './clock.ts';
import { promptOf, testModels, textOf } from './test-models.ts';

const MINUTE = 60_000;

test('an idle model leaves memory five minutes after its last request', async () => {
  const { manager, engine, clock } = testModels();
  await textOf(manager.run('generate', 'a', promptOf('x')));
  await clock.advance(4 * MINUTE);
  await textOf(manager.run('generate', 'a', promptOf('x')));
  expect(manager.running()[0]?.expiresAt).toBe(clock.now() + 5 * MINUTE);
  await clock.advance(5 * MINUTE - 1);
  expect(manager.running()).toHaveLength(1);
  await clock.advance(1);
  expect(manager.running()).toEqual([]);
  expect(engine.loads.map((load) => load.state)).toEqual(['unloaded']);
});

test('a busy model never expires', async () => {
  const { manager, clock } = testModels({ script: { tokenMs: 10 * MINUTE } });
  const answer = textOf(manager.run('generate', 'a', promptOf('one two')));
  await settle();
  expect(manager.running()[0]?.expiresAt).toBeUndefined();
  await clock.advance(15 * MINUTE);
  expect(manager.running()).toMatchObject([{ activeRequests: 1 }]);
  await clock.advance(5 * MINUTE);
  expect(await answer).toBe('one two');
  expect(manager.running()[0]?.expiresAt).toBe(clock.now() + 5 * MINUTE);
});

test('the value of a request replaces the one before, an absent one changes nothing', async () => {
  const { manager, clock } = testModels();
  await textOf(manager.run('generate', 'a', promptOf('x'), { keepAliveMs: 1000 }));
  await textOf(manager.run('generate', 'a', promptOf('x')));
  await clock.advance(999);
  expect(manager.running()).toHaveLength(1);
  await textOf(manager.run('generate', 'a', promptOf('x'), { keepAliveMs: Number.POSITIVE_INFINITY }));
  await clock.advance(1000 * MINUTE);
  expect(manager.running()[0]?.expiresAt).toBe(Number.POSITIVE_INFINITY);
  await textOf(manager.run('generate', 'a', promptOf('x'), { keepAliveMs: 0 }));
  await settle();
  expect(manager.running()).toEqual([]);
});

test('keep_alive 0 unloads after the last of the requests under way', async () => {
  const { manager, clock } = testModels({ script: { tokenMs: 10 } });
  const long = textOf(manager.run('generate', 'a', promptOf('a b c d')));
  const short = textOf(manager.run('generate', 'a', promptOf('x'), { keepAliveMs: 0 }));
  await settle();
  await clock.advance(10);
  expect(await short).toBe('x');
  expect(manager.running()).toMatchObject([{ state: 'running', activeRequests: 1 }]);
  await clock.advance(30);
  expect(await long).toBe('a b c d');
  await settle();
  expect(manager.running()).toEqual([]);
});

test('loading without a prompt restarts the clock', async () => {
  const { manager, clock } = testModels();
  expect(await manager.load('a', { keepAliveMs: 5000 })).toMatchObject({ state: 'running', name: 'a:latest' });
  await clock.advance(4000);
  await manager.load('a');
  await clock.advance(4000);
  expect(manager.running()).toHaveLength(1);
  await clock.advance(1000);
  expect(manager.running()).toEqual([]);
});

test('the longest-lived model is listed first', async () => {
  const { manager } = testModels();
  await manager.load('a', { keepAliveMs: 1000 });
  await manager.load('b', { keepAliveMs: Number.POSITIVE_INFINITY });
  await manager.load('c', { keepAliveMs: 2000 });
  expect(manager.running().map((model) => model.name)).toEqual(['b:latest', 'c:latest', 'a:latest']);
});
