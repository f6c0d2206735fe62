import { randomBytes } from 'node:crypto';
import type { ChatEvent, GenerateEvent, TokenLogprob, ToolCall } from '../inference/index.ts';
import { AnswerReader } from './answer/answer-reader.ts';
import { joinPieces, type Piece } from './answer/piece.ts';
import type { ChatFormat } from './chat-format.ts';

export interface TranslateOptions {
  /** Ids of calls; default `call_` and 24 random letters. */
  newCallId?: () => string;
}

/**
 * Engine events → chat events. The tokens and logprobs of text that is held back go with the next piece of their kind; those of calls,
 * tags and the white space around them go with nothing.
 */
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
  const waiting = { reasoning: new Waiting(), content: new Waiting() };
  function* tell(pieces: Piece[]): Generator<ChatEvent> {
    for (const piece of joinPieces(pieces)) {
      if (piece.kind === 'call') {
        index += 1;
        call = { id: newCallId(), name: piece.name, arguments: '' };
        waiting.content.drop();
        yield { type: 'tool-call-start', index, id: call.id, name: call.name };
      } else if (piece.kind === 'arguments') {
        call.arguments += piece.text;
        waiting.content.drop();
        yield { type: 'tool-call-delta', index, text: piece.text };
      } else if (piece.kind === 'call-end') {
        calls += 1;
        yield { type: 'tool-call', index, call };
      } else yield { type: piece.kind, text: piece.text, ...waiting[piece.kind].take(piece.text) };
    }
  }
  for await (const event of events) {
    if (event.type === 'start') {
      yield { type: 'start', promptTokens: event.promptTokens, cachedTokens: event.cachedTokens };
    } else if (event.type === 'text') {
      const pieces: Piece[] = [];
      for (const part of partsOf(event)) {
        const read = reader.push(part.text);
        const thought = Math.round(part.tokens * reader.reasoningShare);
        reasoningTokens += thought;
        waiting[thought * 2 > part.tokens ? 'reasoning' : 'content'].add(part);
        // Pieces of both kinds come together at a tag only; before it, what was thought takes its tokens along.
        if (pieces.length > 0 && read.length > 0 && pieces.at(-1)?.kind !== read[0]?.kind)
          yield* tell(pieces.splice(0));
        pieces.push(...read);
      }
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

type TextPart = Pick<Extract<GenerateEvent, { type: 'text' }>, 'text' | 'tokens' | 'logprobs'>;

/** A text token by token, so that what is said of an answer does not depend on how many tokens came at once. */
function* partsOf({ text, tokens, lengths, logprobs }: Extract<GenerateEvent, { type: 'text' }>): Generator<TextPart> {
  if (lengths === undefined || lengths.length !== tokens) {
    yield { text, tokens, ...(logprobs === undefined ? {} : { logprobs }) };
    return;
  }
  let at = text.length - lengths.reduce((sum, length) => sum + length, 0);
  if (at > 0) yield { text: text.slice(0, at), tokens: 0 };
  for (const [token, length] of lengths.entries()) {
    const logprob = logprobs?.[token];
    yield { text: text.slice(at, at + length), tokens: 1, ...(logprob === undefined ? {} : { logprobs: [logprob] }) };
    at += length;
  }
}

/** Tokens whose text has not been told yet. */
class Waiting {
  #tokens = 0;
  #logprobs: TokenLogprob[] | undefined;

  add({ tokens, logprobs }: TextPart): void {
    this.#tokens += tokens;
    if (logprobs !== undefined) this.#logprobs = [...(this.#logprobs ?? []), ...logprobs];
  }

  /** Those of a text that is told. White space between thoughts and content is told with neither. */
  take(text: string): { tokens: number; logprobs?: TokenLogprob[] } {
    while (this.#logprobs?.[0] !== undefined && isBlankBefore(text, this.#logprobs[0])) {
      this.#logprobs.shift();
      this.#tokens -= 1;
    }
    const [tokens, logprobs] = [this.#tokens, this.#logprobs];
    this.drop();
    return { tokens, ...(logprobs === undefined ? {} : { logprobs }) };
  }

  drop(): void {
    this.#tokens = 0;
    this.#logprobs = this.#logprobs && [];
  }
}

function isBlankBefore(text: string, { token }: TokenLogprob): boolean {
  return token !== '' && token.trim() === '' && text.trim() !== '' && !text.startsWith(token);
}

function randomCallId(): string {
  return `call_${randomBytes(18).toString('base64url').replace(/[-_]/g, 'x')}`;
}
