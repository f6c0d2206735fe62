import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Settings } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { GenerateEvent, PromptSegment } from '../../inference/index.ts';
import { type InstalledModel, type Models, requireCapability, type UseOptions } from '../../lifecycle/index.ts';
import {
  disconnectSignal,
  engineOf,
  insertPrompt,
  keepAliveOf,
  list,
  optional,
  parseBody,
  sendStream,
  sse,
  tokenIds,
} from '../wire/index.ts';
import { CompletionLogprobs, type LogprobsJson } from './completion-logprobs.ts';
import { grammarFields, readGrammar } from './grammar-fields.ts';
import { interleave } from './interleave.ts';
import {
  FINGERPRINT,
  failureFrames,
  finishReason,
  inChoiceOrder,
  missingEndEvent,
  newId,
  timingsJson,
  unixSeconds,
  usageJson,
} from './reply.ts';
import { readResponseFormat, responseFormat } from './response-format.ts';
import { readSampling, samplingFields, samplingOfChoice } from './sampling-fields.ts';
import { templatedCompletion } from './templated-completion.ts';

const MAX_PROMPTS = 128;

export const completionSchema = z.object({
  ...samplingFields,
  ...grammarFields,
  response_format: optional(responseFormat),
  prompt: z.union([
    z.string(),
    list(z.string()).min(1).max(MAX_PROMPTS),
    tokenIds().min(1),
    list(tokenIds().min(1)).min(1).max(MAX_PROMPTS),
  ]),
  suffix: optional(z.string()),
  logprobs: optional(z.number().int().min(0).max(5)),
  echo: optional(z.boolean()),
  best_of: optional(z.number().int().min(1)),
});

type Body = z.output<typeof completionSchema>;
type EndEvent = Extract<GenerateEvent, { type: 'end' }>;

/** One prompt of the request and what `echo` repeats of it. */
interface Prompt {
  segments: PromptSegment[];
  echo: string;
}

/** POST /v1/completions: raw text unless the settings ask for the chat template. */
export async function completions(
  models: Models,
  settings: Settings,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const body = parseBody(completionSchema, request.body);
  const n = body.n ?? 1;
  if (body.best_of !== undefined && body.best_of !== n) {
    throw new OmgError('unsupported', 'best_of other than n is not supported', { detail: { param: 'best_of' } });
  }
  const keepAliveMs = keepAliveOf(request, body.keep_alive);
  const model = await models.resolve(body.model);
  requireCapability(model, 'completion', { name: body.model });
  const { sampling, stop, maxTokens, contextLength } = readSampling(body, model);
  const grammar = readGrammar(body, readResponseFormat(body.response_format, 'response_format'));
  const use: UseOptions = { signal: disconnectSignal(reply), keepAliveMs, contextLength, engine: engineOf(request) };
  const prompts = await readPrompts(models, body, model, use.signal);
  const templated = settings['compat.templated_completions'] && (body.suffix ?? '') === '' && body.echo !== true;
  const sources = prompts.flatMap(({ segments }) =>
    Array.from({ length: n }, (_, index): AsyncIterable<GenerateEvent> => {
      const choice = {
        prompt: segments,
        sampling: samplingOfChoice(sampling, index),
        stop,
        maxTokens,
        topLogprobs: body.logprobs,
        grammar,
        promptLogprobs: body.echo === true && body.logprobs !== undefined ? true : undefined,
      };
      return templated
        ? templatedCompletion(models, body.model, choice, use)
        : models.run('generate', body.model, choice, use);
    }),
  );
  const echoes = prompts.flatMap(({ echo }) => Array.from({ length: n }, () => (body.echo === true ? echo : '')));
  const context: Context = { body, echoes, includeUsage: body.stream_options?.include_usage === true, n };
  if (body.stream !== true) return collect(sources, context);
  return sendStream(reply, frames(sources, context), { kind: 'sse', failure: failureFrames });
}

async function readPrompts(
  models: Models,
  body: Body,
  model: InstalledModel,
  signal: AbortSignal | undefined,
): Promise<Prompt[]> {
  const list = typeof body.prompt === 'string' || typeof body.prompt[0] === 'number' ? [body.prompt] : body.prompt;
  return Promise.all(
    (list as (string | number[])[]).map(async (prompt): Promise<Prompt> => {
      if (typeof prompt !== 'string') {
        const echo = body.echo === true ? await models.detokenize(body.model, prompt, signal) : '';
        return { segments: [{ kind: 'tokens', tokens: prompt }], echo };
      }
      if (body.suffix) {
        const gap = { before: prompt, after: body.suffix };
        return { segments: await insertPrompt(models, model, body.model, gap, signal), echo: prompt };
      }
      return { segments: [{ kind: 'text', text: prompt, parseSpecial: true }], echo: prompt };
    }),
  );
}

interface Context {
  body: Body;
  /** Per choice. */
  echoes: string[];
  includeUsage: boolean;
  n: number;
}

async function* frames(sources: AsyncIterable<GenerateEvent>[], context: Context): AsyncGenerator<string> {
  const head = headOf(context.body);
  const usage = context.includeUsage ? { usage: null } : undefined;
  const wanted = context.body.logprobs;
  const tables = context.echoes.map((echo) => new CompletionLogprobs(wanted ?? 0, echo));
  const chunk = (index: number, text: string, finish: string | null, logprobs: LogprobsJson | null): string =>
    sse({ ...head, choices: [{ text, index, logprobs, finish_reason: finish }], ...usage });
  const take = (index: number): LogprobsJson | null => (wanted === undefined ? null : (tables[index]?.take() ?? null));
  const ends = new Map<number, EndEvent>();
  for await (const [index, event] of interleave(sources)) {
    if (event.type === 'start') {
      tables[index]?.addPrompt(event.promptLogprobs ?? []);
      const echo = context.echoes[index];
      if (echo) yield chunk(index, echo, null, take(index));
    } else if (event.type === 'text') {
      tables[index]?.add(event.logprobs ?? []);
      yield chunk(index, event.text, null, take(index));
    } else {
      ends.set(index, event);
      yield chunk(index, '', finishReason(event.reason), null);
    }
  }
  if (ends.size < sources.length) throw missingEndEvent();
  const last = context.includeUsage ? sse({ ...head, choices: [], ...reportOf(ends, context) }) : '';
  yield `${last}data: [DONE]\n\n`;
}

async function collect(sources: AsyncIterable<GenerateEvent>[], context: Context): Promise<object> {
  const wanted = context.body.logprobs;
  const tables = context.echoes.map((echo) => new CompletionLogprobs(wanted ?? 0, echo));
  const texts = [...context.echoes];
  const ends = new Map<number, EndEvent>();
  for await (const [index, event] of interleave(sources)) {
    if (event.type === 'start') tables[index]?.addPrompt(event.promptLogprobs ?? []);
    else if (event.type === 'text') {
      texts[index] += event.text;
      tables[index]?.add(event.logprobs ?? []);
    } else ends.set(index, event);
  }
  if (ends.size < sources.length) throw missingEndEvent();
  return {
    ...headOf(context.body),
    choices: texts.map((text, index) => ({
      text,
      index,
      logprobs: wanted === undefined ? null : (tables[index]?.take() ?? null),
      finish_reason: finishReason(ends.get(index)?.reason ?? 'stop'),
    })),
    ...reportOf(ends, context),
  };
}

function headOf(body: Body): object {
  return {
    id: newId('cmpl-'),
    object: 'text_completion',
    created: unixSeconds(),
    model: body.model,
    system_fingerprint: FINGERPRINT,
  };
}

/** Each prompt counts once, each choice's tokens always; the times are those of the first choice. */
function reportOf(ends: Map<number, EndEvent>, { n }: Context): object {
  const inOrder = inChoiceOrder(ends);
  const sorted = inOrder.map((end) => end.usage);
  const firsts = sorted.filter((_, index) => index % n === 0);
  const sum = (key: 'promptTokens' | 'cachedTokens'): number => firsts.reduce((total, usage) => total + usage[key], 0);
  const completionTokens = sorted.reduce((total, usage) => total + usage.completionTokens, 0);
  const [first] = inOrder;
  return {
    usage: usageJson([{ promptTokens: sum('promptTokens'), cachedTokens: sum('cachedTokens'), completionTokens }]),
    ...(first === undefined ? {} : { timings: timingsJson(first.usage, first.timings) }),
  };
}
