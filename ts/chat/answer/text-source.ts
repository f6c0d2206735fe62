import { OmgError } from '../../errors/index.ts';
import { partialTag } from './piece.ts';

/** A reader that stands still (yields) while the text it needs has not come. Cutting the text differently changes nothing. */
export type Reading<T> = Generator<undefined, T, void>;

/** Beyond this a call is not a call but text. */
const LONGEST_CALL = 2 ** 20;

/** A text that arrives in pieces, and can be read again from a mark. */
export class TextSource {
  #text = '';
  #at = 0;
  #ended = false;
  /** What was read since the mark and is not in `#text` any more. */
  #past: string[] = [];
  #pastLength = 0;
  /** The mark, as an index into `#text`; undefined without one. */
  #from: number | undefined;

  push(text: string): void {
    if (this.#from !== undefined) {
      const read = this.#text.slice(this.#from, this.#at);
      if (read !== '') this.#past.push(read);
      this.#pastLength += read.length;
      this.#from = 0;
    }
    this.#text = this.#text.slice(this.#at) + text;
    this.#at = 0;
  }

  end(): void {
    this.#ended = true;
  }

  /** What has come and is not read. */
  get rest(): string {
    return this.#at === 0 ? this.#text : this.#text.slice(this.#at);
  }

  skip(length: number): void {
    this.#at += length;
    if (this.#from === undefined || this.#pastLength + this.#at - this.#from <= LONGEST_CALL) return;
    throw notACall('it is too long');
  }

  /** Waits for more text than there is; false when none comes. */
  *grow(): Reading<boolean> {
    const before = this.#text.length - this.#at;
    while (!this.#ended && this.#text.length - this.#at === before) yield;
    return this.#text.length - this.#at > before;
  }

  /** The next character, unread; empty at the end. */
  *peek(): Reading<string> {
    if (this.#at >= this.#text.length) yield* this.grow();
    return this.#text[this.#at] ?? '';
  }

  /** Reads one character. Throws at the end. */
  *next(): Reading<string> {
    const character = this.#at < this.#text.length ? (this.#text[this.#at] ?? '') : yield* this.peek();
    if (character === '') throw notACall('it ends early');
    this.skip(1);
    return character;
  }

  *skipSpace(): Reading<void> {
    while (/^\s/.test(yield* this.peek())) this.skip(1);
  }

  /** Reads exactly this. Throws when something else is there. */
  *expect(text: string): Reading<void> {
    for (const character of text) if ((yield* this.next()) !== character) throw notACall(`${text} is missing`);
  }

  /** Reads this if it is there. */
  *accept(text: string): Reading<boolean> {
    while (this.rest.length < text.length && text.startsWith(this.rest)) if (!(yield* this.grow())) return false;
    if (!this.rest.startsWith(text)) return false;
    this.skip(text.length);
    return true;
  }

  /** Reads up to an end mark and over it, handing on what stands before it as it comes. Throws without the mark. */
  *until(end: string, emit: (text: string) => void): Reading<void> {
    for (;;) {
      const { rest } = this;
      const at = rest.indexOf(end);
      const safe = at >= 0 ? at : rest.length - partialTag(rest, end);
      this.skip(at >= 0 ? at + end.length : safe);
      if (safe > 0) emit(rest.slice(0, safe));
      if (at >= 0) return;
      if (!(yield* this.grow())) throw notACall(`${end} is missing`);
    }
  }

  /** From here on the text can be read again. */
  mark(): void {
    this.unmark();
    this.#from = this.#at;
  }

  unmark(): void {
    this.#from = undefined;
    if (this.#pastLength > 0) this.#past = [];
    this.#pastLength = 0;
  }

  /** Goes back to the mark, and takes it away. */
  rewind(): void {
    this.#text = this.#past.join('') + this.#text.slice(this.#from ?? this.#at);
    this.#at = 0;
    this.unmark();
  }
}

/** Reads a text that is all there; false when it is not what `read` takes, from its beginning to its end. */
export function readWhole(text: string, read: (source: TextSource) => Reading<void>): boolean {
  const source = new TextSource();
  source.push(text);
  source.end();
  try {
    read(source).next();
  } catch (error) {
    if (!(error instanceof OmgError)) throw error;
    return false;
  }
  return source.rest.trim() === '';
}

/** What reads as the beginning of a call goes on as something else. Never leaves this folder. */
export function notACall(why: string): OmgError {
  return new OmgError('invalid_json', `Not a call: ${why}.`);
}
