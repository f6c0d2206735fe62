import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import type { GenerateEvent, GenerateRequest, Sampling, TokenLogprob } from '../../inference/index.ts';
import { grammarFields } from './grammar.ts';

/** Our defaults, all of them, because llama-server has others, which also come from the file of a model. */
function samplingFields(sampling: Sampling): Record<string, unknown> {
  const { seed, logitBias = [] } = sampling;
  return {
    temperature: sampling.temperature ?? 0.8,
    top_k: Math.max(0, sampling.topK ?? 40),
    top_p: sampling.topP ?? 0.9,
    min_p: sampling.minP ?? 0,
    typical_p: sampling.typicalP ?? 1,
    repeat_penalty: sampling.repeatPenalty ?? 1,
    repeat_last_n: sampling.repeatLastN ?? 64,
    presence_penalty: sampling.presencePenalty ?? 0,
    frequency_penalty: sampling.frequencyPenalty ?? 0,
    mirostat: sampling.mirostat ?? 0,
    mirostat_tau: sampling.mirostatTau ?? 5,
    mirostat_eta: sampling.mirostatEta ?? 0.1,
    // It takes 32 bits, of which all ones mean a random one.
    seed: seed === undefined ? -1 : seed % 0xffff_ffff,
    logit_bias: logitBias.map(([token, bias]) => [token, bias <= -100 ? false : bias]),
  };
}

/**
 * Control tokens that mark reasoning and calls. It leaves those out of the text unless a request names them; a text that is no single token of
 * the model changes nothing. Tokens that end an answer are not among them.
 */
const MARKS = [
  ...['<|channel|>', '<|message|>', '<|start|>', '<|end|>', '<|constrain|>', '<|channel>', '<channel|>'],
  ...['[THINK]', '[/THINK]', '[TOOL_CALLS]', '[ARGS]', '[CALL_ID]', '<|START_THINKING|>', '<|END_THINKING|>'],
  ...['<|START_ACTION|>', '<|END_ACTION|>', '<|START_RESPONSE|>', '<|END_RESPONSE|>', '<|inner_prefix|>'],
  ...['<|inner_suffix|>', '<|python_tag|>', '<|tool_call|>', '<|/tool_call|>', '<|tool_call>', '<tool_call|>'],
  ...['<|tool_call_start|>', '<|tool_call_end|>', '<|tool_calls_section_begin|>', '<|tool_calls_section_end|>'],
  ...['<|tool_call_begin|>', '<|tool_call_argument_begin|>', '<|action_start|>', '<|action_end|>', '<|plugin|>'],
  ...[
    '<｜tool▁calls▁begin｜>',
    '<｜tool▁calls▁end｜>',
    '<｜tool▁call▁begin｜>',
    '<｜tool▁call▁end｜>',
    '<｜tool▁sep｜>',
  ],
];

export function completionBody(request: GenerateRequest, tokens: number[]): object {
  if (request.promptLogprobs) {
    throw new OmgError('unsupported', 'llama-server does not tell the logprobs of a prompt.', {
      detail: { param: 'echo' },
    });
  }
  return {
    ...samplingFields(request.sampling),
    ...grammarFields(request.grammar),
    prompt: tokens,
    stop: request.stop,
    n_predict: request.maxTokens ?? -1,
    stream: true,
    cache_prompt: true,
    return_progress: true,
    ...(request.topLogprobs === undefined ? {} : { n_probs: Math.max(1, request.topLogprobs) }),
    ...(request.keepSpecialTokens ? { preserved_tokens: MARKS } : {}),
  };
}

const logprobSchema = z.object({
  id: z.number(),
  token: z.string(),
  bytes: z.array(z.number()).nullish(),
  logprob: z.number().nullish(),
});
const chunkSchema = z.object({
  content: z.string(),
  stop: z.boolean(),
  tokens_predicted: z.number().catch(0),
  prompt_progress: z.object({ cache: z.number() }).optional(),
  completion_probabilities: z
    .array(logprobSchema.extend({ top_logprobs: z.array(logprobSchema).catch([]) }))
    .optional(),
  truncated: z.boolean().optional(),
  stop_type: z.string().optional(),
  stopping_word: z.string().optional(),
  timings: z
    .object({ prompt_ms: z.number().catch(0), predicted_ms: z.number().catch(0), cache_n: z.number().catch(0) })
    .optional(),
});

export interface CompletionInput {
  request: GenerateRequest;
  promptTokens: number;
  contextLength: number;
  queueMs: number;
}

/** The events of a streamed completion. Throws `engine_error` when it ends without its last chunk, and for an error within it. */
export async function* completionEvents(
  data: AsyncIterable<{ data: string }>,
  { request, promptTokens, contextLength, queueMs }: CompletionInput,
): AsyncGenerator<GenerateEvent> {
  let cachedTokens = 0;
  let counted = 0;
  let started = false;
  for await (const { data: text } of data) {
    const chunk = readChunk(text);
    cachedTokens = chunk.prompt_progress?.cache ?? cachedTokens;
    if (chunk.prompt_progress !== undefined && chunk.content === '' && !chunk.stop) continue;
    if (!started) yield { type: 'start', promptTokens, cachedTokens: chunk.timings?.cache_n ?? cachedTokens };
    started = true;
    const tokens = Math.max(0, chunk.tokens_predicted - counted);
    counted += tokens;
    const logprobs = chunk.completion_probabilities?.map((entry) => logprobOf(entry, request.topLogprobs));
    if (chunk.content !== '' || (tokens > 0 && !chunk.stop) || (logprobs?.length ?? 0) > 0) {
      yield {
        type: 'text',
        text: chunk.content,
        tokens,
        ...(logprobs === undefined || request.topLogprobs === undefined ? {} : { logprobs }),
      };
    }
    if (!chunk.stop) continue;
    const limited = chunk.stop_type === 'limit';
    yield {
      type: 'end',
      reason: limited ? 'length' : 'stop',
      ...(chunk.stop_type === 'word' && chunk.stopping_word ? { stopSequence: chunk.stopping_word } : {}),
      ...(limited && (chunk.truncated || promptTokens + counted >= contextLength) ? { windowFull: true } : {}),
      usage: { promptTokens, cachedTokens: chunk.timings?.cache_n ?? cachedTokens, completionTokens: counted },
      timings: {
        queueMs,
        prefillMs: chunk.timings?.prompt_ms ?? 0,
        decodeMs: chunk.timings?.predicted_ms ?? 0,
      },
    };
    return;
  }
  throw new OmgError('engine_error', 'llama-server ended its answer in the middle.');
}

function readChunk(text: string): z.output<typeof chunkSchema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new OmgError('engine_error', 'llama-server sent something that is not JSON.', { cause: error });
  }
  const chunk = chunkSchema.safeParse(json);
  if (chunk.success) return chunk.data;
  throw llamaServerError(json, 500);
}

const errorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string().catch(''),
    n_prompt_tokens: z.number().optional(),
    n_ctx: z.number().optional(),
  }),
});

/** An error of llama-server in our codes, with its own text in the detail. */
export function llamaServerError(body: unknown, status: number): OmgError {
  const read = errorSchema.safeParse(body);
  if (!read.success) {
    return new OmgError('engine_error', `llama-server answered with status ${status} and no reason.`);
  }
  const { message, type, n_prompt_tokens: promptTokens, n_ctx: contextLength } = read.data.error;
  const detail = { upstream: message };
  if (type === 'exceed_context_size_error') return tooLong(promptTokens ?? 0, contextLength ?? 0, detail);
  if (type === 'unavailable_error') return new OmgError('server_busy', 'llama-server is not ready.', { detail });
  if (type === 'not_supported_error') {
    return new OmgError('unsupported', 'llama-server was not started for this kind of work.', { detail });
  }
  if (type === 'invalid_request_error') {
    return new OmgError('invalid_request', `llama-server refused the request: ${message}`, { detail });
  }
  return new OmgError('engine_error', `llama-server failed: ${message}`, { detail });
}

export function tooLong(promptTokens: number, contextLength: number, detail: object = {}): OmgError {
  return new OmgError(
    'context_length_exceeded',
    `The prompt has ${promptTokens} tokens, and the context window ${contextLength}.`,
    {
      hint: 'Shorten the conversation, or load the model with a larger context length.',
      detail: { promptTokens, contextLength, ...detail },
    },
  );
}

type Entry = z.output<typeof logprobSchema>;

/** Impossible tokens have no logarithm that JSON could hold. */
const NEVER = -1e9;

function logprobOf(entry: Entry & { top_logprobs: Entry[] }, wanted: number | undefined): TokenLogprob {
  const plain = ({ id, token, bytes, logprob }: Entry): Omit<TokenLogprob, 'top'> => ({
    token,
    tokenId: id,
    logprob: logprob ?? NEVER,
    bytes: bytes ?? [...Buffer.from(token)],
  });
  return { ...plain(entry), top: entry.top_logprobs.slice(0, wanted ?? 0).map(plain) };
}
