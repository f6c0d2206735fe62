import { OmgError } from '../errors/index.ts';
import { errorFromValue } from './errors.ts';
import type { ChatPiece } from './types.ts';

/** The data of each server-sent event; comments are skipped. */
export async function* sseData(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let data: string[] = [];
  for await (const raw of lines) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '') {
      if (data.length > 0) yield data.join('\n');
      data = [];
    } else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
  }
}

interface Chunk {
  choices: {
    delta: {
      content?: string | null;
      reasoning?: string;
      reasoning_content?: string;
      tool_calls?: { function: { name: string; arguments: string } }[];
    };
    finish_reason: string | null;
  }[];
  usage?: {
    prompt_tokens: number;
    completion_tokens: number;
    prompt_tokens_details?: { cached_tokens?: number };
  } | null;
  timings?: { predicted_ms: number };
}

/** Chat completion chunks as pieces of the answer. Throws the error of the stream; one that ends early is an error too. */
export async function* chatPieces(events: AsyncIterable<string>): AsyncGenerator<ChatPiece> {
  let reason: string | undefined;
  let usage: Chunk['usage'];
  let decodeMs = 0;
  for await (const data of events) {
    if (data === '[DONE]') {
      if (reason === undefined) break;
      yield {
        type: 'end',
        reason,
        promptTokens: usage?.prompt_tokens ?? 0,
        completionTokens: usage?.completion_tokens ?? 0,
        cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
        decodeMs,
      };
      return;
    }
    const value: unknown = JSON.parse(data);
    const error = errorFromValue(value);
    if (error !== undefined) throw error;
    const chunk = value as Chunk;
    usage = chunk.usage ?? usage;
    decodeMs = chunk.timings?.predicted_ms ?? decodeMs;
    for (const { delta, finish_reason } of chunk.choices) {
      const reasoning = delta.reasoning ?? delta.reasoning_content;
      if (reasoning) yield { type: 'reasoning', text: reasoning };
      if (delta.content) yield { type: 'content', text: delta.content };
      for (const call of delta.tool_calls ?? [])
        yield { type: 'tool-call', name: call.function.name, arguments: call.function.arguments };
      reason = finish_reason ?? reason;
    }
  }
  throw new OmgError('daemon_not_running', 'The answer ended before it was complete.', { hint: 'See `omg logs`.' });
}
