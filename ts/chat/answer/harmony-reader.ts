import { OmgError } from '../../errors/index.ts';
import { readUnreadable, skipStrayBraces } from './call-body.ts';
import { readNamedArguments } from './json-calls.ts';
import { partialTag } from './piece.ts';
import { PieceReader } from './piece-reader.ts';
import type { Reading } from './text-source.ts';

const MESSAGE = '<|message|>';
/** What ends a message; a new `<|start|>` does where a model forgets to. */
const ENDS = ['<|end|>', '<|call|>', '<|return|>', '<|start|>'];

/**
 * Reads the messages of gpt-oss: `<|channel|>analysis<|message|>…<|end|>` is reasoning, the channel `final` and preambles on `commentary`
 * are content, and a message `to=functions.name` is a call whose text is its arguments. Text without a header is content.
 */
export class HarmonyReader extends PieceReader {
  #inReasoning = false;

  get inReasoning(): boolean {
    return this.#inReasoning;
  }

  protected override *read(): Reading<void> {
    let header = (yield* this.#hasHeader()) ? yield* this.#readHeader() : '';
    for (;;) {
      const recipient = /\bto=(?:functions\.)?([\w.-]+)/.exec(header)?.[1];
      const channel = /<\|channel\|>\s*(\w+)/.exec(header)?.[1];
      this.#inReasoning = channel === 'analysis';
      if (recipient !== undefined && this.sink.isTool(recipient)) yield* this.#readCall(recipient);
      if (!(yield* this.#readText())) return;
      if (!(yield* this.#hasHeader()) && (yield* this.source.peek()) === '') return;
      header = yield* this.#readHeader();
    }
  }

  /** A message begins; it may be the first one, whose start is in the prompt. */
  *#hasHeader(): Reading<boolean> {
    const { rest } = this.source;
    const signs = ['<|channel|>', '<|start|>', MESSAGE, ' to='];
    if (signs.some((sign) => rest.startsWith(sign))) return true;
    if (!signs.some((sign) => sign.startsWith(rest)) || !(yield* this.source.grow())) return false;
    return yield* this.#hasHeader();
  }

  *#readHeader(): Reading<string> {
    let header = '';
    try {
      yield* this.source.until(MESSAGE, (text) => {
        header += text;
      });
    } catch (error) {
      if (!(error instanceof OmgError)) throw error;
      // The answer ended within a header, which says nothing.
    }
    return header;
  }

  *#readCall(name: string): Reading<void> {
    const source = this.source;
    source.mark();
    this.sink.expectCalls(true);
    try {
      yield* source.skipSpace();
      yield* readNamedArguments(source, this.sink, name);
      this.sink.end();
      source.unmark();
      yield* skipStrayBraces(source);
      yield* source.skipSpace();
    } catch (error) {
      if (!(error instanceof OmgError)) throw error;
      source.rewind();
      if (this.sink.isInCall) yield* readUnreadable(source, this.sink, ENDS);
    }
    this.#inReasoning = false;
  }

  /** Text up to the end of its message; false at the end of the answer. */
  *#readText(): Reading<boolean> {
    const source = this.source;
    const emit = (text: string) => (this.#inReasoning ? this.sink.reasoning(text) : this.sink.content(text));
    for (;;) {
      const { rest } = source;
      const found = ENDS.map((tag) => ({ at: rest.indexOf(tag), tag })).filter(({ at }) => at >= 0);
      const [first] = found.sort((a, b) => a.at - b.at);
      const end = first?.at ?? rest.length - Math.max(...ENDS.map((tag) => partialTag(rest, tag)));
      emit(rest.slice(0, end));
      source.skip(end);
      if (first !== undefined) {
        source.skip(first.tag.length);
        return true;
      }
      if (yield* source.grow()) continue;
      emit(source.rest);
      source.skip(source.rest.length);
      return false;
    }
  }
}
