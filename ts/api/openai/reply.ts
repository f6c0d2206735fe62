import type { OmgError } from '../../errors/index.ts';
import type { ChatEvent, GenerateTimings, GenerateUsage, TokenLogprob } from '../../inference/index.ts';
import { cutOff, sse } from '../wire/index.ts';
import { openAiErrorBody } from './errors.ts';

export { missingEndEvent, newId } from '../wire/index.ts';

export const FINGERPRINT = 'fp_ohmygpu';

export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Client libraries raise on a chunk with `error`; the end marker follows, so that none waits for more. */
export function failureFrames(error: OmgError): string {
  return `${sse(openAiErrorBody(error))}data: [DONE]\n\n`;
}

/** The prompt counts once however many choices it has. */
export function usageJson(parts: (GenerateUsage & { reasoningTokens?: number })[]): object {
  const prompt = parts[0]?.promptTokens ?? 0;
  const completion = parts.reduce((sum, part) => sum + part.completionTokens, 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: parts[0]?.cachedTokens ?? 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: parts.reduce((sum, part) => sum + (part.reasoningTokens ?? 0), 0),
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

/** What the choices of a request ended with, in the order of the choices. */
export function inChoiceOrder<End>(ends: Map<number, End>): End[] {
  return [...ends].sort(([a], [b]) => a - b).map(([, end]) => end);
}

/** What the engine measured, in the words of llama.cpp's server, which clients of it show. Times are milliseconds. */
export function timingsJson(usage: GenerateUsage, { prefillMs, decodeMs }: GenerateTimings): object {
  const processed = usage.promptTokens - usage.cachedTokens;
  return {
    cache_n: usage.cachedTokens,
    prompt_n: processed,
    prompt_ms: prefillMs,
    prompt_per_second: perSecond(processed, prefillMs),
    predicted_n: usage.completionTokens,
    predicted_ms: decodeMs,
    predicted_per_second: perSecond(usage.completionTokens, decodeMs),
  };
}

function perSecond(tokens: number, ms: number): number | null {
  return ms > 0 ? (tokens / ms) * 1000 : null;
}

/** `tool_calls` takes the place of `stop` only. An answer that was cut off from our side is an error. */
export function finishReason(
  reason: Extract<ChatEvent, { type: 'end' }>['reason'],
  hasCalls = false,
): 'stop' | 'length' | 'tool_calls' {
  if (reason === 'cancelled') throw cutOff();
  if (reason === 'length') return 'length';
  return hasCalls || reason === 'tool-calls' ? 'tool_calls' : 'stop';
}

export function logprobContent(logprobs: TokenLogprob[]): object[] {
  return logprobs.map(({ token, logprob, bytes, top }) => ({
    token,
    logprob,
    bytes,
    top_logprobs: top.map((entry) => ({ token: entry.token, logprob: entry.logprob, bytes: entry.bytes })),
  }));
}
