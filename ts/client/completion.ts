import { OmgError } from '../errors/index.ts';
import type { ChatPiece } from './types.ts';

/** A line of `/api/generate`. */
export interface CompletionLine {
  response?: string;
  done?: boolean;
  done_reason?: string;
  prompt_eval_count?: number;
  eval_count?: number;
  /** Nanoseconds. */
  eval_duration?: number;
}

/** The lines as pieces of a text. A stream that ends early is an error. */
export async function* completionPieces(lines: AsyncIterable<CompletionLine>): AsyncGenerator<ChatPiece> {
  for await (const line of lines) {
    if (line.response) yield { type: 'content', text: line.response };
    if (line.done !== true) continue;
    yield {
      type: 'end',
      reason: line.done_reason ?? 'stop',
      promptTokens: line.prompt_eval_count ?? 0,
      completionTokens: line.eval_count ?? 0,
      cachedTokens: 0,
      decodeMs: (line.eval_duration ?? 0) / 1e6,
    };
    return;
  }
  throw new OmgError('daemon_not_running', 'The answer ended before it was complete.', { hint: 'See `omg logs`.' });
}
