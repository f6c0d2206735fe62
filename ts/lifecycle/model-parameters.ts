import { join } from 'node:path';
import type { Sampling } from '../inference/index.ts';
import type { CachedHeader } from './header-cache.ts';
import type { ModelFiles } from './model-files.ts';
import { SAMPLING_OPTIONS } from './sampling-options.ts';

/** The model's own sampling defaults, under Ollama's option names. */
export type ModelParameters = Record<string, number | string | boolean | string[]>;

/** GGUF metadata `general.sampling.*` → Ollama option. */
const GGUF_KEYS: Record<string, string> = {
  temp: 'temperature',
  temperature: 'temperature',
  top_k: 'top_k',
  top_p: 'top_p',
  min_p: 'min_p',
  typ_p: 'typical_p',
  typical_p: 'typical_p',
  penalty_repeat: 'repeat_penalty',
  penalty_last_n: 'repeat_last_n',
  penalty_present: 'presence_penalty',
  penalty_freq: 'frequency_penalty',
  mirostat: 'mirostat',
  mirostat_tau: 'mirostat_tau',
  mirostat_eta: 'mirostat_eta',
};

/** `generation_config.json` → Ollama option. */
const HUGGING_FACE_KEYS: Record<string, string> = {
  temperature: 'temperature',
  top_k: 'top_k',
  top_p: 'top_p',
  min_p: 'min_p',
  typical_p: 'typical_p',
  repetition_penalty: 'repeat_penalty',
};

const NOT_NEGATIVE = (value: number) => value >= 0;
const PROBABILITY = (value: number) => value >= 0 && value <= 1;

/** What the engine takes. A file's other numbers count as absent: they are advice, and would refuse every request. */
const VALID: Record<string, (value: number) => boolean> = {
  temperature: NOT_NEGATIVE,
  top_k: Number.isSafeInteger,
  top_p: PROBABILITY,
  min_p: PROBABILITY,
  typical_p: PROBABILITY,
  repeat_penalty: (value) => value > 0,
  repeat_last_n: Number.isSafeInteger,
  presence_penalty: (value) => Math.abs(value) <= 1e6,
  frequency_penalty: (value) => Math.abs(value) <= 1e6,
  mirostat: (value) => [0, 1, 2].includes(value),
  mirostat_tau: (value) => value >= 0 && value <= 1e6,
  mirostat_eta: (value) => value >= 0 && value <= 1e6,
};

const isValid = (option: string, value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && VALID[option]?.(value) === true;

const SAMPLING_FIELDS = { ...SAMPLING_OPTIONS, mirostat: 'mirostat', seed: 'seed' } as const;

/** Reads the defaults a model brings, which nothing else does: GGUF metadata, else `generation_config.json` in its folder. Never throws. */
export async function modelParameters(
  header: CachedHeader,
  folder: string,
  files: ModelFiles,
): Promise<ModelParameters> {
  const parameters: ModelParameters = {};
  for (const [key, option] of Object.entries(GGUF_KEYS)) {
    const value = header.metadata[`general.sampling.${key}`];
    // GGUF has 32-bit floats: 0.2 is meant where 0.20000000298 is read.
    if (isValid(option, value)) parameters[option] = Number(value.toPrecision(7));
  }
  if (Object.keys(parameters).length > 0) return parameters;
  const config = await generationConfig(folder, files);
  for (const [key, option] of Object.entries(HUGGING_FACE_KEYS)) {
    const value = config[key];
    if (isValid(option, value)) parameters[option] = value;
  }
  // The transformers library's way to say greedy, whatever temperature stands beside it.
  if (config.do_sample === false) parameters.temperature = 0;
  return parameters;
}

/** What the request leaves open comes from the model. */
export function mergeSampling(request: Sampling, parameters: ModelParameters): Sampling {
  const merged: Record<string, unknown> = {};
  for (const [option, field] of Object.entries(SAMPLING_FIELDS)) {
    if (typeof parameters[option] === 'number') merged[field] = parameters[option];
  }
  for (const [field, value] of Object.entries(request)) if (value !== undefined) merged[field] = value;
  return merged as Sampling;
}

/** The request's limit, or the model's `num_predict` where it gives none; negative is none. */
export function mergeMaxTokens(request: number | undefined, parameters: ModelParameters): number | undefined {
  const own = parameters.num_predict;
  return request ?? (typeof own === 'number' && own >= 0 ? own : undefined);
}

/** The request's stop strings, or the model's where it gives none. */
export function mergeStop(request: string[], parameters: ModelParameters): string[] {
  if (request.length > 0) return request;
  return Array.isArray(parameters.stop) ? parameters.stop : [];
}

async function generationConfig(folder: string, files: ModelFiles): Promise<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse((await files.readText(join(folder, 'generation_config.json'))) ?? '{}');
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    // Broken: the model has no defaults of its own.
    return {};
  }
}
