import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import type { Sampling } from '../../inference/index.ts';
import type { InstalledModel } from '../../lifecycle/index.ts';
import { list, MAX_STOPS, type ModelOptions, optional, parseOptions, record } from '../wire/index.ts';

/** Tokens of an answer; −1, as llama.cpp and Ollama have it, is as many as there is room for. */
export const tokenLimit = optional(z.number().int().min(-1)).transform((limit) => (limit === -1 ? undefined : limit));

/** Fields that chat and text completions share, with the extensions that strict servers ignore. */
export const samplingFields = {
  model: z.string().min(1),
  stream: optional(z.boolean()),
  stream_options: optional(z.object({ include_usage: optional(z.boolean()) })),
  max_tokens: tokenLimit,
  temperature: optional(z.number().min(0).max(2)),
  top_p: optional(z.number().min(0).max(1)),
  seed: optional(z.number().int()),
  stop: optional(z.union([z.string(), list(z.string(), { maxLength: MAX_STOPS })])),
  frequency_penalty: optional(z.number().min(-2).max(2)),
  presence_penalty: optional(z.number().min(-2).max(2)),
  n: optional(z.number().int().min(1).max(8)),
  logit_bias: optional(record(z.number().min(-100).max(100))),
  keep_alive: z.unknown().optional(),
  options: z.unknown().optional(),
  top_k: optional(z.number()),
  min_p: optional(z.number()),
  repeat_penalty: optional(z.number()),
};

const fieldsSchema = z.object(samplingFields);
type SamplingBody = Omit<z.output<typeof fieldsSchema>, 'model'>;

/**
 * OpenAI fields over `options` over nothing: what stays open takes the model's own parameters. Only where the model says
 * nothing either, temperature and top_p are 1 as OpenAI has them.
 */
export function readSampling(body: SamplingBody, model: InstalledModel): ModelOptions {
  const options = parseOptions(body.options);
  const own = model.details.parameters;
  const sampling: Sampling = {
    ...(own.temperature === undefined ? { temperature: 1 } : {}),
    ...(own.top_p === undefined ? { topP: 1 } : {}),
    ...options.sampling,
    ...defined({
      temperature: body.temperature,
      topP: body.top_p,
      topK: body.top_k === undefined ? undefined : Math.trunc(body.top_k),
      minP: body.min_p,
      repeatPenalty: body.repeat_penalty,
      frequencyPenalty: body.frequency_penalty,
      presencePenalty: body.presence_penalty,
      seed: body.seed === undefined || body.seed < 0 ? undefined : body.seed,
    }),
    ...(body.logit_bias === undefined ? {} : { logitBias: readLogitBias(body.logit_bias) }),
  };
  const stop = body.stop === undefined ? options.stop : [body.stop].flat().filter((text) => text !== '');
  return { sampling, stop, maxTokens: body.max_tokens ?? options.maxTokens, contextLength: options.contextLength };
}

/** The sampling of choice `index`: a fixed seed would give the same answer n times. */
export function samplingOfChoice(sampling: Sampling, index: number): Sampling {
  return sampling.seed === undefined || index === 0 ? sampling : { ...sampling, seed: sampling.seed + index };
}

function readLogitBias(bias: Record<string, number>): [number, number][] {
  return Object.entries(bias).map(([token, value]) => {
    const id = Number(token);
    if (!Number.isInteger(id) || id < 0) {
      throw new OmgError('invalid_request', `logit_bias: "${token}" is not a token id`, {
        detail: { param: 'logit_bias' },
      });
    }
    return [id, value];
  });
}

function defined(values: Sampling): Sampling {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
