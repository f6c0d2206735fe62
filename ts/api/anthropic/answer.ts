import type { ChatEvent } from '../../inference/index.ts';
import { cutOff } from '../wire/index.ts';
import type { MessagesBody } from './schema.ts';

export type EndEvent = Extract<ChatEvent, { type: 'end' }>;

export interface StopFields {
  stop_reason: 'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'model_context_window_exceeded';
  stop_sequence: string | null;
}

/** A stop text of the model's own is the end of its turn. An answer that was cut off from our side is an error. */
export function stopFields(end: EndEvent, asked: string[], hasCalls: boolean): StopFields {
  if (end.reason === 'cancelled') throw cutOff();
  if (end.reason === 'length') {
    return {
      stop_reason: end.windowFull === true ? 'model_context_window_exceeded' : 'max_tokens',
      stop_sequence: null,
    };
  }
  if (hasCalls) return { stop_reason: 'tool_use', stop_sequence: null };
  return end.stopSequence !== undefined && asked.includes(end.stopSequence)
    ? { stop_reason: 'stop_sequence', stop_sequence: end.stopSequence }
    : { stop_reason: 'end_turn', stop_sequence: null };
}

export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
}

/**
 * Clients add the three input counts up, so the sum is always the whole prompt. Cached tokens are told apart only for a
 * client that asked for caching; for any other, input_tokens is the prompt.
 */
export function usageOf(
  counts: { promptTokens: number; cachedTokens: number; completionTokens: number },
  tellsCache: boolean,
): Usage {
  const cached = tellsCache ? counts.cachedTokens : 0;
  return {
    input_tokens: counts.promptTokens - cached,
    output_tokens: counts.completionTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
  };
}

/** True when the request marks anything for caching. */
export function asksForCache(body: MessagesBody): boolean {
  const marked = (item: unknown): boolean =>
    typeof item === 'object' && item !== null && 'cache_control' in item && item.cache_control !== null;
  const inside = (list: unknown): boolean => Array.isArray(list) && list.some(marked);
  return (
    (body.cache_control ?? null) !== null ||
    inside(body.system) ||
    inside(body.tools) ||
    body.messages.some(({ content }) => inside(content))
  );
}
