import { OmgError } from '../../errors/index.ts';
import type {
  CacheMiss,
  ChatEvent,
  GenerateTimings,
  GenerateUsage,
  PromptSegment,
  TokenLogprob,
} from '../../inference/index.ts';

/** The end of an answer, from the chat core or from raw generation. */
export interface AnswerEnd {
  cacheMiss?: CacheMiss;
  reason: Extract<ChatEvent, { type: 'end' }>['reason'];
  usage: GenerateUsage;
  timings: GenerateTimings;
}

const NS_PER_MS = 1e6;

/** UTC with milliseconds and `Z`, which every client's parser takes. */
export function timestamp(): string {
  return new Date().toISOString();
}

/** The six numbers of the last object, always all of them; durations in nanoseconds. */
export function metrics(startedAt: number, end?: AnswerEnd): Record<string, number> {
  const totalMs = performance.now() - startedAt;
  const { queueMs, prefillMs, decodeMs } = end?.timings ?? { queueMs: 0, prefillMs: 0, decodeMs: 0 };
  // What neither waiting for a slot nor computing explains is the load.
  const loadMs = end === undefined ? totalMs : Math.max(0, totalMs - queueMs - prefillMs - decodeMs);
  return {
    total_duration: Math.round(totalMs * NS_PER_MS),
    load_duration: Math.round(loadMs * NS_PER_MS),
    prompt_eval_count: end?.usage.promptTokens ?? 0,
    prompt_eval_duration: Math.round(prefillMs * NS_PER_MS),
    eval_count: end?.usage.completionTokens ?? 0,
    eval_duration: Math.round(decodeMs * NS_PER_MS),
  };
}

/** `stop` or `length`. An answer that was cut off from our side is an error, never a short success. */
export function doneReason(end: AnswerEnd): 'stop' | 'length' {
  if (end.reason === 'cancelled')
    throw new OmgError('cancelled', 'The answer was cancelled because the model was stopped.');
  return end.reason === 'length' ? 'length' : 'stop';
}

export function wireLogprobs(logprobs: TokenLogprob[], top: number): unknown[] {
  return logprobs.map(({ token, logprob, bytes, top: alternatives }) => ({
    token,
    logprob,
    bytes,
    ...(top > 0
      ? {
          top_logprobs: alternatives.map((entry) => ({
            token: entry.token,
            logprob: entry.logprob,
            bytes: entry.bytes,
          })),
        }
      : {}),
  }));
}

/** A source that stops without its last event must not look like a short success. */
export function missingEndEvent(): OmgError {
  return new OmgError('internal', 'The answer ended without its last event.');
}

/** A prompt as `_debug_render_only` shows it; token ids stand in angle brackets. */
export function promptText(prompt: PromptSegment[]): string {
  return prompt.map((segment) => (segment.kind === 'text' ? segment.text : `<${segment.tokens.join(' ')}>`)).join('');
}
