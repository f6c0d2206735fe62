import { expect, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import { settle } from './clock.ts';
import { errorOf, promptOf, testModels, textOf } from './test-models.ts';

test('the first request loads the model and gets its answer', async () => {
  const { manager, engine } = testModels();
  expect(manager.running()).toEqual([]);
  expect(await textOf(manager.run('generate', 'a', promptOf('one two three')))).toBe('one two three');
  expect(engine.loads).toHaveLength(1);
  expect(manager.running()).toMatchObject([{ name: 'a:latest', state: 'running', activeRequests: 0 }]);
});

test('one load, however many ask at once', async () => {
  const { manager, engine, clock } = testModels({ script: { loadMs: 1000 }, limits: { numParallel: 200 } });
  const answers = Array.from({ length: 200 }, (_, at) => textOf(manager.run('generate', 'a', promptOf(`word ${at}`))));
  await settle();
  expect(manager.running()).toMatchObject([{ state: 'starting', queuedRequests: 200 }]);
  await clock.advance(1000);
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 200 }, (_, at) => `word ${at}`));
  expect(engine.loads).toHaveLength(1);
});

test('a copy shares the loaded model of its source', async () => {
  const { manager, engine } = testModels();
  await manager.copy('a', 'again');
  await textOf(manager.run('generate', 'a', promptOf('x')));
  await textOf(manager.run('generate', 'again', promptOf('x')));
  expect(engine.loads).toHaveLength(1);
});

test('a failed load fails those who wait, and the next request tries again', async () => {
  let broken = true;
  const loadError = new OmgError('model_load_failed', 'no luck');
  const { manager, engine } = testModels({ script: () => (broken ? { loadError } : {}) });
  const both = [
    errorOf(textOf(manager.run('generate', 'a', promptOf('x')))),
    errorOf(textOf(manager.run('generate', 'a', promptOf('x')))),
  ];
  expect(await Promise.all(both)).toEqual([loadError, loadError]);
  expect(engine.loads).toHaveLength(1);
  expect(manager.running()).toEqual([]);
  broken = false;
  expect(await textOf(manager.run('generate', 'a', promptOf('x')))).toBe('x');
});

test('a load that makes no progress is given up', async () => {
  const { manager, engine, clock } = testModels({ script: { loadMs: 10_000_000 }, limits: { loadTimeoutMs: 5000 } });
  const failed = errorOf(textOf(manager.run('generate', 'a', promptOf('x'))));
  await settle();
  await clock.advance(4999);
  expect(engine.loads[0]?.state).toBe('loading');
  await clock.advance(1);
  expect((await failed).code).toBe('model_load_failed');
  expect(engine.loads[0]?.state).toBe('aborted');
});

test('a load that nobody waits for any more ends, and a newcomer gets a new one', async () => {
  const { manager, engine, clock } = testModels({ script: { loadMs: 1000 } });
  const caller = new AbortController();
  const left = errorOf(textOf(manager.run('generate', 'a', promptOf('x'), { signal: caller.signal })));
  await settle();
  caller.abort();
  const stays = textOf(manager.run('generate', 'a', promptOf('here')));
  expect((await left).code).toBe('cancelled');
  await settle();
  await clock.advance(1000);
  expect(await stays).toBe('here');
  expect(engine.loads.map((load) => load.state)).toEqual(['aborted', 'loaded']);
});

test('only an explicitly larger context reloads, and after the requests under way', async () => {
  const { manager, engine, clock } = testModels({ script: { tokenMs: 10, contextLength: 1024 } });
  const slow = textOf(manager.run('generate', 'a', promptOf('a b c')));
  await settle();
  const larger = textOf(manager.run('generate', 'a', promptOf('d'), { contextLength: 2048 }));
  await clock.advance(10);
  expect(engine.loads).toHaveLength(1);
  await clock.advance(100);
  expect(await Promise.all([slow, larger])).toEqual(['a b c', 'd']);
  expect(engine.loads.map((load) => load.contextLength)).toEqual([undefined, 2048]);

  for (const contextLength of [undefined, 1024, 2048]) {
    const fits = textOf(manager.run('generate', 'a', promptOf('e'), { contextLength }));
    await clock.advance(20);
    await fits;
  }
  expect(engine.loads).toHaveLength(2);
});

test('a context over the trained one loads once and not for every request', async () => {
  const { manager, engine } = testModels();
  for (let round = 0; round < 3; round++) {
    await textOf(manager.run('generate', 'a', promptOf('x'), { contextLength: 1_000_000 }));
  }
  expect(engine.loads).toHaveLength(1);
  expect(manager.running()[0]?.info?.contextLength).toBe(8192);
});

test('counting tokens loads no weights, and uses the loaded model where there is one', async () => {
  const { manager, engine } = testModels();
  const tokens = await manager.tokenize('a', promptOf('one two').prompt);
  expect(await manager.detokenize('a', tokens)).toBe('one two');
  const left = manager.tokenize('a', promptOf('one two').prompt, AbortSignal.abort());
  await expect(left).rejects.toMatchObject({ code: 'cancelled' });
  expect(engine.loads.map((load) => load.tokenizerOnly)).toEqual([true]);
  expect(manager.running()).toEqual([]);
  await manager.load('a');
  await manager.tokenize('a', promptOf('one two').prompt);
  expect(engine.loads.map((load) => load.tokenizerOnly)).toEqual([true, false]);
});

test('the model parameters fill what the request leaves open', async () => {
  const { manager, engine } = testModels({
    script: { header: { metadata: { 'general.sampling.temp': 0.6, 'general.sampling.top_k': 20 } } },
  });
  await textOf(manager.run('generate', 'a', promptOf('x', { sampling: { temperature: 0 } })));
  expect(engine.generations[0]?.request.sampling).toEqual({ temperature: 0, topK: 20 });
});

test.each([
  ['cuda:0', /^There is cpu\. .*omg backend install cuda.*OMG_DEVICE/],
  ['metal', /^There is cpu\. .*Macs.*OMG_DEVICE/],
  // The device is there, so something else is not supported.
  ['cpu', undefined],
] as const)('a load for %s says what brings the device where it is missing', async (device, hint) => {
  const loadError = new OmgError('unsupported', 'the device is not in this machine or not in this build');
  const { manager } = testModels({ script: { loadError }, limits: { device } });
  const error = await errorOf(textOf(manager.run('generate', 'a', promptOf('x'))));
  expect(error).toMatchObject({ code: 'unsupported', message: loadError.message });
  if (hint === undefined) expect(error).toBe(loadError);
  else expect((error as OmgError).hint).toMatch(hint);
});
