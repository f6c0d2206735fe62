import type { Sampling } from '../inference/index.ts';

/** Ollama's options that are plain numbers of the sampling. Of the others, `seed` and `mirostat` take certain values only. */
export const SAMPLING_OPTIONS = {
  temperature: 'temperature',
  top_k: 'topK',
  top_p: 'topP',
  min_p: 'minP',
  typical_p: 'typicalP',
  repeat_penalty: 'repeatPenalty',
  repeat_last_n: 'repeatLastN',
  presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
  mirostat_tau: 'mirostatTau',
  mirostat_eta: 'mirostatEta',
} as const satisfies Record<string, keyof Sampling>;
