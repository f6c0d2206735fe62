import { expect, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import type { Engine, ModelHeader } from '../inference/index.ts';
import { HeaderCache } from './header-cache.ts';

function setUp(): { cache: HeaderCache; state: { stamp: string; reads: number; error?: OmgError } } {
  const state: { stamp: string; reads: number; error?: OmgError } = { stamp: '1', reads: 0 };
  const engine = {
    async inspect() {
      state.reads += 1;
      if (state.error) throw state.error;
      return { architecture: `llama ${state.stamp}`, tensors: [{ name: 't', type: 'F32', shape: [1] }] } as ModelHeader;
    },
  } as unknown as Engine;
  return {
    cache: new HeaderCache(engine, { fingerprint: async () => state.stamp, readText: async () => undefined }),
    state,
  };
}

test('a header is read once, however many ask, and again when the file changes', async () => {
  const { cache, state } = setUp();
  const [first, second] = await Promise.all([cache.get('m'), cache.get('m')]);
  expect(first).toEqual({ architecture: 'llama 1' });
  expect(second).toBe(first);
  await cache.get('m');
  expect(state.reads).toBe(1);
  state.stamp = '2';
  expect(await cache.get('m')).toEqual({ architecture: 'llama 2' });
});

test('what is wrong with the file is remembered until it changes, other failures are not', async () => {
  const { cache, state } = setUp();
  state.error = new OmgError('invalid_model_file', 'no model');
  for (let round = 0; round < 3; round++) await expect(cache.get('m')).rejects.toBe(state.error);
  expect(state.reads).toBe(1);
  state.stamp = '2';
  state.error = new OmgError('runner_crashed', 'gone');
  for (let round = 0; round < 2; round++) await expect(cache.get('m')).rejects.toBe(state.error);
  expect(state.reads).toBe(3);
});
