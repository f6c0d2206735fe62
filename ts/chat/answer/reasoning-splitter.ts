import { type Piece, partialTag, trailingSpace } from './piece.ts';

export interface ReasoningTags {
  open: string;
  close: string;
  /** What ends the thoughts in the model's stead; absent: the closing tag in a paragraph of its own. */
  closing?: string;
}

/**
 * Splits `<think>…</think>` from what follows, however the text is cut into chunks. A span is recognised at the beginning of the answer
 * only; the white space around it belongs to the tags. What follows comes out as content.
 */
export class ReasoningSplitter {
  readonly #tags: ReasoningTags;
  #state: 'start' | 'opening' | 'reasoning' | 'closed' | 'content';
  #held = '';
  /** Reasoning text has come out, so that white space is no longer leading. */
  #started = false;

  /** @param opened the prompt has opened the span already. */
  constructor(tags: ReasoningTags, opened: boolean) {
    this.#tags = tags;
    this.#state = opened ? 'opening' : 'start';
  }

  /** It is not known yet whether the answer begins with a span. */
  get undecided(): boolean {
    return this.#state === 'start';
  }

  /** The span has ended, or there is none. */
  get isOver(): boolean {
    return this.#state === 'closed' || this.#state === 'content';
  }

  get inReasoning(): boolean {
    return this.#state === 'opening' || this.#state === 'reasoning';
  }

  push(text: string): Piece[] {
    this.#held += text;
    const pieces: Piece[] = [];
    while (this.#step(pieces));
    return pieces;
  }

  finish(): Piece[] {
    const text = this.#state === 'closed' ? '' : this.#held;
    this.#held = '';
    if (text === '') return [];
    return [{ kind: this.inReasoning ? 'reasoning' : 'content', text }];
  }

  /** One step over what is held; false when it takes more text to go on. */
  #step(pieces: Piece[]): boolean {
    const { open, close } = this.#tags;
    const start = this.#held.trimStart();
    switch (this.#state) {
      case 'start':
      case 'opening':
        if (start.startsWith(open)) {
          this.#held = start.slice(open.length);
          this.#state = 'reasoning';
          return true;
        }
        if (open.startsWith(start)) return false;
        this.#state = this.#state === 'opening' ? 'reasoning' : 'content';
        return true;
      case 'reasoning':
        return this.#readReasoning(close, pieces);
      case 'closed':
        this.#held = start;
        if (start === '') return false;
        this.#state = 'content';
        return true;
      case 'content':
        if (this.#held !== '') pieces.push({ kind: 'content', text: this.#held });
        this.#held = '';
        return false;
    }
  }

  #readReasoning(close: string, pieces: Piece[]): boolean {
    if (!this.#started) {
      this.#held = this.#held.trimStart();
      this.#started = this.#held !== '';
    }
    const at = this.#held.indexOf(close);
    // White space before the closing tag is part of it, so it waits for what comes.
    const end = at >= 0 ? at : this.#held.length - partialTag(this.#held, close);
    const text = this.#held.slice(0, trailingSpace(this.#held.slice(0, end)));
    if (text !== '') pieces.push({ kind: 'reasoning', text });
    this.#held = at >= 0 ? this.#held.slice(at + close.length) : this.#held.slice(text.length);
    if (at >= 0) this.#state = 'closed';
    return at >= 0;
  }
}
