import { expect, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import { settle } from './clock.ts';
import { errorOf, promptOf, testModels, textOf } from './test-models.ts';

// What anybody may ask for is counted, so that nobody can make the daemon remember without end.

test('requests that wait are counted over all models, too', async () => {
  const names = Array.from({ length: 8 }, (_, at) => `m${at}`);
  const { manager, clock } = testModels({
    script: { tokenMs: 60_000 },
    names,
    limits: { numParallel: 1, maxQueue: 2, maxLoadedModels: 1 },
  });
  const answers: Promise<string>[] = [];
  let refused = 0;
  for (const name of names) {
    for (let request = 0; request < 3; request++) {
      const answer = textOf(manager.run('generate', name, promptOf('x')));
      answer.catch(() => {
        refused += 1;
      });
      answers.push(answer);
      await settle();
    }
  }
  expect(manager.running().reduce((sum, { queuedRequests }) => sum + queuedRequests, 0)).toBe(12);
  expect(refused).toBe(names.length * 3 - 13);
  const closed = manager.close(0);
  await clock.advance(2_000);
  await closed;
  await Promise.allSettled(answers);
});

test('so many pulls run at once, and so many are remembered', async () => {
  const stop = Promise.withResolvers<never>();
  stop.promise.catch(() => {});
  const { manager } = testModels({ puller: { pull: () => stop.promise } });
  const jobs = Array.from({ length: 32 }, (_, at) => manager.pull({ model: `org/model-${at}` }));
  expect(() => manager.pull({ model: 'org/more' })).toThrow(expect.objectContaining({ code: 'server_busy' }));
  // The same files again are no further pull.
  expect(manager.pull({ model: 'org/model-0' })).toBe(jobs[0]);
  stop.reject(new OmgError('repo_not_found', 'no'));
  await settle();
  const last = [];
  for (let pull = 0; pull < 1_100; pull++) {
    last.push(manager.pull({ model: `org/other-${pull}` }).id);
    if (pull % 20 === 0) await settle();
  }
  await settle();
  expect(manager.findPull(jobs[0]?.id ?? '')).toBeUndefined();
  expect(last.filter((id) => manager.findPull(id) !== undefined).length).toBeLessThanOrEqual(1_000);
  expect(manager.findPull(last.at(-1) ?? '')?.state.status).toBe('error');
});

test('so many models are made at once', async () => {
  const { manager } = testModels();
  const make = (name: string) => manager.create({ name, from: 'a', profile: { system: name } })[Symbol.asyncIterator]();
  const making = Array.from({ length: 8 }, (_, at) => make(`new-${at}`));
  for (const events of making) await events.next();
  expect((await errorOf(make('more').next())).code).toBe('server_busy');
  await making[0]?.return?.(undefined);
  expect((await make('more').next()).done).toBe(false);
});
