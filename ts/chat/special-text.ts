import { randomInt } from 'node:crypto';
import type { SpecialFinder } from './special-finder.ts';

/**
 * What a person or a tool wrote must never become a special token, and yet has to go through the template, which may trim, split or
 * inspect it. So only the stretches that look like special tokens are replaced by placeholders before the render, and put back after it
 * as segments in which special tokens are not parsed. Ordinary text is not touched and tokenises as if it had been typed into the template.
 */
const OPEN = '\u{F0000}';
const CLOSE = '\u{F0001}';
/** A placeholder has private characters throughout: no change of case touches it, and each part of one that is cut up can be told. */
const DIGITS = '\u{F0010}-\u{F0019}';
const ZERO = 0xf0010;
const PLACEHOLDER_PART = /[\u{F0000}\u{F0001}\u{F0010}-\u{F0019}\u{DB80}\u{DC00}-\u{DC19}]/u;

/** Markup that templates look for in messages, so that hiding it could change what they write. */
const INSPECTED = /^<\/?(think|thinking|tool_call|tool_response|tool_calls|tools)>$/;

/** The longest window holds no more of them in sensible text, and each is a segment of its own from here to the engine. */
const MOST_FOUND = 50_000;

/** `plain` has the begin and end of each stretch of `text` in which special tokens are not parsed, one after another. */
export interface WrittenPrompt {
  text: string;
  plain: number[];
}

export class SpecialText {
  readonly #finder: SpecialFinder;
  readonly #nonce = written(randomInt(1e7, 1e8));
  readonly #hidden: string[] = [];
  readonly #spare: boolean;

  /** @param spareInspected leave alone what templates look for in messages, such as `</think>`. */
  constructor(finder: SpecialFinder, spareInspected: boolean) {
    this.#finder = finder;
    this.#spare = spareInspected;
  }

  get found(): boolean {
    return this.#hidden.length > 0;
  }

  /** Throws where there are more than any window holds. */
  hide(text: string): string {
    return this.#finder.replace(text, (special) => {
      if (this.#spare && INSPECTED.test(special)) return special;
      if (this.#hidden.length >= MOST_FOUND) {
        throw new Error(`they hold more than ${MOST_FOUND} pieces of text that look like special tokens`);
      }
      return `${OPEN}${this.#nonce}${written(this.#hidden.push(special) - 1)}${CLOSE}`;
    });
  }

  /** The rendered text with everything put back, and where that is. */
  reveal(rendered: string): WrittenPrompt {
    const marker = new RegExp(`${OPEN}${this.#nonce}([${DIGITS}]+)${CLOSE}`, 'gu');
    const plain: number[] = [];
    let text = '';
    let at = 0;
    for (const match of rendered.matchAll(marker)) {
      text += rendered.slice(at, match.index);
      const special = this.#hidden[read(match[1] ?? '')] ?? '';
      plain.push(text.length, text.length + special.length);
      text += special;
      at = match.index + match[0].length;
    }
    return { text: text + rendered.slice(at), plain };
  }
}

/** Whether a part of a placeholder is in a text from which the whole ones are gone. */
export function holdsPlaceholder(revealed: string): boolean {
  return PLACEHOLDER_PART.test(revealed);
}

function written(number: number): string {
  return [...`${number}`].map((digit) => String.fromCodePoint(ZERO + Number(digit))).join('');
}

function read(digits: string): number {
  return Number([...digits].map((digit) => (digit.codePointAt(0) ?? ZERO) - ZERO).join(''));
}
