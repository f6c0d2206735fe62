import { OmgError } from '../../errors/index.ts';
import type { Sampling } from '../../inference/index.ts';
import { SAMPLING_OPTIONS } from '../../lifecycle/index.ts';
import { MAX_STOPS } from './list.ts';

/** What an Ollama `options` object asks for, in the terms of the engine. */
export interface ModelOptions {
  sampling: Sampling;
  stop: string[];
  /** Absent: until a stop or the end of the window. */
  maxTokens?: number;
  contextLength?: number;
  /** First tokens of the prompt that stay where a window slides. */
  keepTokens?: number;
}

type Kind = 'integer' | 'float32' | 'boolean' | 'array';

const KINDS: Record<string, Kind> = {
  num_ctx: 'integer',
  num_batch: 'integer',
  num_gpu: 'integer',
  main_gpu: 'integer',
  use_mmap: 'boolean',
  num_thread: 'integer',
  draft_num_predict: 'integer',
  num_predict: 'integer',
  num_keep: 'integer',
  seed: 'integer',
  temperature: 'float32',
  top_k: 'integer',
  top_p: 'float32',
  min_p: 'float32',
  typical_p: 'float32',
  repeat_penalty: 'float32',
  repeat_last_n: 'integer',
  presence_penalty: 'float32',
  frequency_penalty: 'float32',
  stop: 'array',
  mirostat: 'integer',
  mirostat_tau: 'float32',
  mirostat_eta: 'float32',
};

const SAMPLING: Partial<Record<string, (typeof SAMPLING_OPTIONS)[keyof typeof SAMPLING_OPTIONS]>> = SAMPLING_OPTIONS;

/** Whether a name is one of the options that mean something. */
export function isOption(key: string): boolean {
  return Object.hasOwn(KINDS, key);
}

/** Ollama's own default of `num_keep`. */
export const DEFAULT_KEEP = 4;

/** Smallest window Ollama allows; less is raised to it. */
const MIN_CONTEXT = 4;

/** Unknown keys and nulls are ignored, a wrong type throws `invalid_request`. Where a model is loaded is not the request's to say. */
export function parseOptions(options: unknown): ModelOptions {
  const parsed: ModelOptions = { sampling: {}, stop: [] };
  if (options === undefined || options === null) return parsed;
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw new OmgError('invalid_request', 'options must be an object', { detail: { param: 'options' } });
  }
  for (const [key, value] of Object.entries(options)) {
    const kind = Object.hasOwn(KINDS, key) ? KINDS[key] : undefined;
    if (kind === undefined || value === null || value === undefined) continue;
    if (kind === 'array') parsed.stop = stopStrings(key, value);
    else if (kind === 'boolean') {
      if (typeof value !== 'boolean') throw wrongType(key, kind);
    } else if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongType(key, kind);
    else applyNumber(parsed, key, kind === 'integer' ? Math.trunc(value) : value);
  }
  return parsed;
}

function applyNumber(parsed: ModelOptions, key: string, value: number): void {
  const field = SAMPLING[key];
  if (field !== undefined) parsed.sampling[field] = value;
  else if (key === 'seed') {
    if (value >= 0) parsed.sampling.seed = value;
  } else if (key === 'mirostat') {
    if (value === 0 || value === 1 || value === 2) parsed.sampling.mirostat = value;
  } else if (key === 'num_predict') {
    // −1 is until a stop, −2 until the window is full: for us both are the end of the window.
    if (value >= 0) parsed.maxTokens = value;
  } else if (key === 'num_keep') {
    if (value >= 0) parsed.keepTokens = value;
  } else if (key === 'num_ctx' && value > 0) parsed.contextLength = Math.max(MIN_CONTEXT, value);
}

/** Ollama refuses a bare string; it can only mean one thing, so it is taken. Empty strings stop nothing. */
function stopStrings(key: string, value: unknown): string[] {
  const list = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list) || !list.every((item): item is string => typeof item === 'string'))
    throw wrongType(key, 'array');
  if (list.length > MAX_STOPS) {
    throw new OmgError('invalid_request', `option "${key}" takes at most ${MAX_STOPS} texts`, {
      detail: { param: `options.${key}` },
    });
  }
  return list.filter((item) => item !== '');
}

function wrongType(key: string, kind: Kind): OmgError {
  return new OmgError('invalid_request', `option "${key}" must be of type ${kind}`, {
    detail: { param: `options.${key}` },
  });
}
