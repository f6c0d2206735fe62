import type { ToolDefinition } from '../../inference/index.ts';
import { CallBody, type ParsedCall } from './call-body.ts';
import { type Piece, partialTag, trailingSpace } from './piece.ts';

/** How a model writes its calls. */
export interface CallFormat {
  /** What announces a call. */
  open: string;
  /** What ends it; its absence is forgiven. */
  close?: string;
  /** An answer that begins with JSON may be a call without an announcement, if it names a known tool. */
  bare: boolean;
}

/** Beyond this a call is not a call but text. */
const LONGEST_CALL = 2 ** 20;

/**
 * Reads calls out of a text, however it is cut into chunks. White space around calls belongs to them. What announces itself as a call and
 * is none comes out as content, character for character.
 */
export class CallReader {
  readonly #format: CallFormat;
  readonly #tools: ToolDefinition[];
  #state: 'start' | 'text' | 'body' | 'after' = 'start';
  /** Text that is not decided on. In `body` and `after` it begins behind the announcement. */
  #held = '';
  /** White space and announcement in front of the body, to be given back when it turns out to be text. */
  #announced = '';
  /** The body was not announced by the tag. */
  #bare = false;
  #body: CallBody;
  #calls = 0;

  constructor(format: CallFormat, tools: ToolDefinition[]) {
    this.#format = format;
    this.#tools = tools;
    this.#body = new CallBody(tools);
  }

  push(text: string): Piece[] {
    this.#held += text;
    const pieces: Piece[] = [];
    while (this.#step(pieces, false));
    return pieces;
  }

  finish(): Piece[] {
    const pieces: Piece[] = [];
    while (this.#step(pieces, true));
    const rest = this.#state === 'body' ? this.#announced + this.#held : this.#held;
    this.#held = '';
    // White space behind a call belongs to it.
    if (rest.trim() !== '' || this.#calls === 0) emit(pieces, rest);
    return pieces;
  }

  #step(pieces: Piece[], final: boolean): boolean {
    switch (this.#state) {
      case 'start':
        return this.#readStart();
      case 'text':
        return this.#readText(pieces);
      case 'body':
        return this.#readBody(pieces, final);
      case 'after':
        return this.#readAfter(final);
    }
  }

  /** At the beginning, and behind each call: a bare call may stand here. */
  #readStart(): boolean {
    const separators = this.#calls > 0 ? /^[\s;]*/ : /^\s*/;
    const space = separators.exec(this.#held)?.[0] ?? '';
    if (this.#format.bare && space.length === this.#held.length) return false;
    if (this.#format.bare && this.#held[space.length] === '{') this.#openBody(space.length, 0);
    else this.#state = 'text';
    return true;
  }

  #readText(pieces: Piece[]): boolean {
    const { open } = this.#format;
    const at = this.#held.indexOf(open);
    const end = at >= 0 ? at : this.#held.length - partialTag(this.#held, open);
    const text = this.#held.slice(0, trailingSpace(this.#held.slice(0, end)));
    emit(pieces, text);
    this.#held = this.#held.slice(text.length);
    if (at < 0) return false;
    this.#openBody(at - text.length, open.length);
    return true;
  }

  #openBody(space: number, tagLength: number): void {
    this.#bare = tagLength === 0;
    this.#announced = this.#held.slice(0, space + tagLength);
    this.#held = this.#held.slice(space + tagLength);
    this.#body = new CallBody(this.#tools);
    this.#state = 'body';
  }

  #readBody(pieces: Piece[], final: boolean): boolean {
    const outcome = this.#held.length > LONGEST_CALL ? 'malformed' : this.#body.read(this.#held);
    if (outcome === 'more') {
      if (!final) return false;
      this.#giveBack(pieces);
      return true;
    }
    if (outcome === 'malformed' || !this.#believable(outcome.calls)) {
      this.#giveBack(pieces);
      return true;
    }
    for (const call of outcome.calls) pieces.push({ kind: 'call', ...call });
    this.#calls += outcome.calls.length;
    this.#held = this.#held.slice(outcome.length);
    this.#state = 'after';
    return true;
  }

  /** The announcement was text; what follows it is looked at again, as a call may be in it. */
  #giveBack(pieces: Piece[]): void {
    if (this.#bare) {
      // It began with a brace, which is text now.
      emit(pieces, this.#announced + this.#held.slice(0, 1));
      this.#held = this.#held.slice(1);
    } else {
      emit(pieces, this.#announced);
    }
    this.#state = 'text';
  }

  /** JSON without an announcement is an answer like any other, unless it names a tool that was offered. */
  #believable(calls: ParsedCall[]): boolean {
    return !this.#bare || calls.every(({ name }) => this.#tools.some((tool) => tool.name === name));
  }

  #readAfter(final: boolean): boolean {
    const { close } = this.#format;
    const rest = this.#held.trimStart();
    if (close !== undefined && !this.#bare) {
      if (rest.startsWith(close)) this.#held = rest.slice(close.length);
      else if (close.startsWith(rest)) {
        if (!final) return false;
        this.#held = '';
      }
    }
    this.#state = 'start';
    return this.#held !== '';
  }
}

function emit(pieces: Piece[], text: string): void {
  if (text !== '') pieces.push({ kind: 'content', text });
}
