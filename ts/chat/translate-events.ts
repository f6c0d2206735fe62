import { randomBytes } from 'node:crypto';
import type { ChatEvent, GenerateEvent, TokenLogprob, ToolCall } from '../inference/index.ts';
import { AnswerReader } from './answer/answer-reader.ts';
import { joinPieces, type Piece } from './answer/piece.ts';
import type { ChatFormat } from './chat-format.ts';

export interface TranslateOptions {
  /** Ids of calls; default `call_` and eight random letters. */
  newCallId?: () => string;
}

/** Engine events → chat events. Tokens and logprobs of text that is held back go with the next piece that is let out. */
export async function* translateEvents(
  events: AsyncIterable<GenerateEvent>,
  format: ChatFormat,
  { newCallId = randomCallId }: TranslateOptions = {},
): AsyncGenerator<ChatEvent> {
  const reader = new AnswerReader(format);
  let index = -1;
  let calls = 0;
  let call: ToolCall = { id: '', name: '', arguments: '' };
  let reasoningTokens = 0;
  let tokens = 0;
  let logprobs: TokenLogprob[] | undefined;
  function* tell(pieces: Piece[]): Generator<ChatEvent> {
    for (const piece of joinPieces(pieces)) {
      if (piece.kind === 'call') {
        index += 1;
        call = { id: newCallId(), name: piece.name, arguments: '' };
        yield { type: 'tool-call-start', index, id: call.id, name: call.name };
      } else if (piece.kind === 'arguments') {
        call.arguments += piece.text;
        yield { type: 'tool-call-delta', index, text: piece.text };
      } else if (piece.kind === 'call-end') {
        calls += 1;
        yield { type: 'tool-call', index, call };
      } else if (piece.kind === 'call-broken') yield { type: 'tool-call-broken', index };
      else {
        yield { type: piece.kind, text: piece.text, tokens, ...(logprobs === undefined ? {} : { logprobs }) };
        tokens = 0;
        logprobs = logprobs && [];
      }
    }
  }
  for await (const event of events) {
    if (event.type === 'start') {
      yield { type: 'start', promptTokens: event.promptTokens, cachedTokens: event.cachedTokens };
    } else if (event.type === 'text') {
      tokens += event.tokens;
      if (event.logprobs !== undefined) logprobs = [...(logprobs ?? []), ...event.logprobs];
      const pieces = reader.push(event.text);
      reasoningTokens += Math.round(event.tokens * reader.reasoningShare);
      yield* tell(pieces);
    } else {
      yield* tell(reader.finish());
      yield {
        ...event,
        reason: calls > 0 && event.reason === 'stop' ? 'tool-calls' : event.reason,
        usage: { ...event.usage, reasoningTokens },
      };
    }
  }
}

function randomCallId(): string {
  return `call_${randomBytes(6).toString('base64url').replace(/[-_]/g, 'x')}`;
}
