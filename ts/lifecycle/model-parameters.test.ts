import { expect, test } from 'vitest';
import type { CachedHeader } from './header-cache.ts';
import { mergeSampling, mergeStop, modelParameters } from './model-parameters.ts';

const PLAIN = { metadata: {} } as CachedHeader;

function folderWith(config: string | undefined): Parameters<typeof modelParameters>[2] {
  return {
    fingerprint: async () => '',
    readText: async (path) => (path.endsWith('generation_config.json') ? config : undefined),
  };
}

test('GGUF metadata wins over generation_config.json', async () => {
  const gguf = {
    metadata: {
      'general.sampling.temp': Math.fround(0.7),
      'general.sampling.penalty_repeat': 1.1,
      'general.sampling.top_k': 'x',
    },
  };
  expect(await modelParameters(gguf as unknown as CachedHeader, 'm', folderWith('{"temperature":0.1}'))).toEqual({
    temperature: 0.7,
    repeat_penalty: 1.1,
  });
});

test('every kind of GGUF number is read, and what the engine would refuse counts as absent', async () => {
  const header = (keys: Record<string, number>) =>
    ({
      metadata: Object.fromEntries(Object.entries(keys).map(([key, value]) => [`general.sampling.${key}`, value])),
    }) as unknown as CachedHeader;
  const read = (keys: Record<string, number>): Promise<unknown> =>
    modelParameters(header(keys), 'm', folderWith(undefined));
  expect(await read({ typ_p: 0.9, penalty_present: 0.5, penalty_freq: -0.5, penalty_last_n: -1, mirostat: 2 })).toEqual(
    {
      typical_p: 0.9,
      presence_penalty: 0.5,
      frequency_penalty: -0.5,
      repeat_last_n: -1,
      mirostat: 2,
    },
  );
  expect(
    await read({
      temp: -1,
      top_k: 0.5,
      top_p: 5,
      min_p: -0.1,
      typ_p: 1.5,
      penalty_repeat: 0,
      mirostat: 3,
      mirostat_tau: -1,
    }),
  ).toEqual({});
  const config = '{"temperature":-2,"top_p":1.5,"repetition_penalty":0,"top_k":7}';
  expect(await modelParameters(PLAIN, 'm', folderWith(config))).toEqual({ top_k: 7 });
});

test('generation_config.json, its greedy switch, and its absence', async () => {
  const read = (config: string | undefined): Promise<unknown> => modelParameters(PLAIN, 'm', folderWith(config));
  expect(
    await read('{"do_sample":true,"temperature":0.6,"top_k":20,"repetition_penalty":1.05,"eos_token_id":[1]}'),
  ).toEqual({
    temperature: 0.6,
    top_k: 20,
    repeat_penalty: 1.05,
  });
  expect(await read('{"do_sample":false,"temperature":0.6}')).toEqual({ temperature: 0 });
  expect(await read('{"temperature":')).toEqual({});
  expect(await read(undefined)).toEqual({});
});

test('the request wins over the model', () => {
  const parameters = { temperature: 0.6, top_p: 0.9, stop: ['###'] };
  expect(mergeSampling({ temperature: 0, seed: 7, topK: undefined }, parameters)).toEqual({
    temperature: 0,
    topP: 0.9,
    seed: 7,
  });
  expect(mergeStop([], parameters)).toEqual(['###']);
  expect(mergeStop(['x'], parameters)).toEqual(['x']);
});
