import { OmgError } from '../errors/index.ts';
import { errorFromValue } from './errors.ts';
import type { ChatPiece } from './types.ts';

interface Line {
  response?: string;
  done?: boolean;
  done_reason?: string;
  prompt_eval_count?: number;
  eval_count?: number;
}

/** Lines of `/api/generate` as pieces of a text. Throws the error of the stream; one that ends early is an error too. */
export async function* completionPieces(lines: AsyncIterable<string>): AsyncGenerator<ChatPiece> {
  for await (const text of lines) {
    if (text.trim() === '') continue;
    const value: unknown = JSON.parse(text);
    const error = errorFromValue(value);
    if (error !== undefined) throw error;
    const line = value as Line;
    if (line.response) yield { type: 'content', text: line.response };
    if (line.done !== true) continue;
    yield {
      type: 'end',
      reason: line.done_reason ?? 'stop',
      promptTokens: line.prompt_eval_count ?? 0,
      completionTokens: line.eval_count ?? 0,
      cachedTokens: 0,
    };
    return;
  }
  throw new OmgError('daemon_not_running', 'The answer ended before it was complete.', { hint: 'See `omg logs`.' });
}
