import { OmgError } from '../../errors/index.ts';
import type { ToolDefinition } from '../../inference/index.ts';
import { readBody, readUnreadable, skipStrayBraces } from './call-body.ts';
import { escapeText } from './escape-text.ts';
import { partialTag, trailingSpace } from './piece.ts';
import { PieceReader } from './piece-reader.ts';
import type { Reading } from './text-source.ts';

/** How a model writes its calls. */
export interface CallFormat {
  /** What announces a call. One that ends with `=` is the beginning of the call itself. */
  open: string[];
  /** What may end a call, one after the other; their absence is forgiven. */
  close?: string[];
  /** An answer that begins like a call may be one without an announcement, if it names a known tool. */
  bare: boolean;
}

/** Tools whose call may be nothing but code behind the tag, as Llama 3 writes it. */
const CODE_TAG = '<|python_tag|>';
const CODE_TOOLS = ['code_interpreter', 'ipython', 'python'];

/**
 * Reads calls out of a text, however it is cut into chunks, and hands their arguments on as they come. White space around calls
 * belongs to them. What announces itself as a call and is none comes out as content, character for character.
 */
export class CallReader extends PieceReader {
  readonly #format: CallFormat;

  constructor(format: CallFormat, tools: ToolDefinition[]) {
    super(tools);
    this.#format = format;
  }

  protected override *read(): Reading<void> {
    let atStart = true;
    for (;;) {
      const isCall: boolean | undefined =
        (atStart && this.#format.bare && (yield* this.#readBare())) || (yield* this.#readAnnounced());
      if (isCall === undefined) return;
      atStart = isCall;
    }
  }

  /** A call at the beginning, or behind another one, that nothing announces. */
  *#readBare(): Reading<boolean> {
    const source = this.source;
    source.mark();
    const separator = this.sink.calls > 0 ? /[\s;]/ : /\s/;
    let space = 0;
    for (let next = yield* source.peek(); next !== '' && separator.test(next); next = yield* source.peek()) {
      source.skip(1);
      space += 1;
    }
    const first = yield* source.peek();
    if (first === 'f' && (yield* source.accept('functools')) && (yield* source.peek()) === '[') {
      // Phi-4-mini's word in front of its list.
      return yield* this.#attempt(space + 'functools'.length, true);
    }
    if (first === '{' || first === '[' || (yield* this.#startsWithTool(first)))
      return yield* this.#attempt(space + 1, true);
    source.rewind();
    return false;
  }

  /** GLM-4 writes a tool's name alone in a line, and its arguments below. */
  *#startsWithTool(first: string): Reading<boolean> {
    if (!this.sink.tools.some(({ name }) => name.startsWith(first)) || first === '') return false;
    for (;;) {
      const { rest } = this.source;
      const line = /^([^\n]*)\n\s*(.)?/.exec(rest);
      if (line?.[2] !== undefined) return line[2] === '{' && this.sink.isTool(line[1]?.trim() ?? '');
      const name = rest.split('\n', 1)[0]?.trimEnd() ?? '';
      if (!this.sink.tools.some((tool) => tool.name.startsWith(name))) return false;
      if (!(yield* this.source.grow())) return false;
    }
  }

  /** Text up to the next announcement, and the call behind it. True: a call; false: something that was none; undefined: the end. */
  *#readAnnounced(): Reading<boolean | undefined> {
    const source = this.source;
    for (;;) {
      const { rest } = source;
      const found = this.#findOpening(rest);
      const end = found?.at ?? rest.length - Math.max(...this.#format.open.map((tag) => partialTag(rest, tag)));
      const text = rest.slice(0, trailingSpace(rest.slice(0, end)));
      this.sink.content(text);
      source.skip(text.length);
      if (found !== undefined) {
        source.mark();
        const space = found.at - text.length;
        const isPart = found.tag.endsWith('=');
        source.skip(space + (isPart ? 0 : found.tag.length));
        return yield* this.#attempt(space + found.tag.length, false, found.tag);
      }
      if (yield* source.grow()) continue;
      // White space behind a call belongs to it.
      if (source.rest.trim() !== '' || this.sink.calls === 0) this.sink.content(source.rest);
      source.skip(source.rest.length);
      return undefined;
    }
  }

  #findOpening(text: string): { at: number; tag: string } | undefined {
    const found = this.#format.open.map((tag) => ({ at: text.indexOf(tag), tag })).filter(({ at }) => at >= 0);
    return found.sort((a, b) => a.at - b.at)[0];
  }

  /** @param announced characters since the mark that are text if no call follows; what comes after them is looked at again. */
  *#attempt(announced: number, bare: boolean, tag = ''): Reading<boolean> {
    const source = this.source;
    const before = this.sink.calls;
    this.sink.expectCalls(bare);
    try {
      const wrapped = yield* this.#readInnerOpenings(tag);
      if (wrapped === CODE_TAG && (yield* this.#isCode())) yield* this.#readCode();
      else yield* this.#readBodies(bare);
      if (!bare) yield* this.#readClosings();
      if (!bare && this.#format.close === undefined) yield* skipStrayBraces(source);
      source.unmark();
      return true;
    } catch (error) {
      if (!(error instanceof OmgError)) throw error;
      source.rewind();
      if (this.sink.isInCall) {
        yield* readUnreadable(source, this.sink, this.#format.close ?? []);
        if (!bare) yield* this.#readClosings();
        return true;
      }
      // Behind a call that stands, the mark has moved: there is no announcement left to give back.
      const text = this.sink.calls > before ? '' : source.rest.slice(0, announced);
      this.sink.content(text);
      source.skip(text.length);
      return false;
    }
  }

  /** Some formats have several calls between one pair of tags, and models write them in the others as well. */
  *#readBodies(bare: boolean): Reading<void> {
    do {
      yield* readBody(this.source, this.sink);
      if (bare || this.#format.close === undefined) return;
    } while (yield* this.#hasAnotherBody());
  }

  *#hasAnotherBody(): Reading<boolean> {
    const tags = [...this.#format.open, ...(this.#format.close ?? []), '</'].filter((tag) => !tag.endsWith('='));
    for (;;) {
      const { rest: whole } = this.source;
      const separator = /^\s*[,;](?=\s*\{)/.exec(whole)?.[0] ?? '';
      const rest = whole.slice(separator.length).trimStart();
      if (separator === '' && /^[,;]\s*$/.test(rest) && (yield* this.source.grow())) continue;
      this.source.skip(separator.length);
      if (tags.some((tag) => rest.startsWith(tag))) return false;
      const isUndecided = tags.some((tag) => tag.startsWith(rest));
      if (!isUndecided) return /^[{<\w]/.test(rest);
      if (!(yield* this.source.grow())) return false;
    }
  }

  /** DeepSeek announces the calls and then each call. */
  *#readInnerOpenings(tag: string): Reading<string> {
    let last = tag;
    for (let again = tag !== ''; again; ) {
      again = false;
      yield* this.source.skipSpace();
      for (const inner of this.#format.open) {
        if (inner === tag || inner.endsWith('=') || !(yield* this.source.accept(inner))) continue;
        last = inner;
        again = true;
      }
    }
    return last;
  }

  *#readClosings(): Reading<void> {
    for (const close of this.#format.close ?? []) {
      for (;;) {
        const { rest } = this.source;
        // A bracket too many is a slip, and no text.
        const tight = rest.replace(/^[\s}\]]+/, '');
        if (tight.startsWith(close)) {
          this.source.skip(rest.length - tight.length + close.length);
          break;
        }
        if (!close.startsWith(tight)) break;
        if (yield* this.source.grow()) continue;
        // Half a closing tag at the end of the answer.
        this.source.skip(rest.length);
        return;
      }
    }
  }

  *#isCode(): Reading<boolean> {
    yield* this.source.skipSpace();
    if ((yield* this.source.peek()) === '{' || !CODE_TOOLS.some((name) => this.sink.isTool(name))) return false;
    // Llama 3.1 writes `tool.call(…)` behind the same tag.
    for (;;) {
      const [whole, word = ''] = /^\w*(\.\w*\(?)?/.exec(this.source.rest) ?? [''];
      if (word === '.call(') return false;
      const isOpen = whole.length === this.source.rest.length && '.call('.startsWith(word);
      if (!isOpen || !(yield* this.source.grow())) return true;
    }
  }

  *#readCode(): Reading<void> {
    this.sink.begin(CODE_TOOLS.find((name) => this.sink.isTool(name)) ?? '');
    this.sink.arguments('{"code":"');
    do {
      this.sink.arguments(escapeText(this.source.rest));
      this.source.skip(this.source.rest.length);
    } while (yield* this.source.grow());
    this.sink.arguments('"}');
    this.sink.end();
  }
}
