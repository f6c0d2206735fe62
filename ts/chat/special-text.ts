import { randomBytes } from 'node:crypto';
import type { WrittenPrompt } from './prompt-writer.ts';

/**
 * What a person or a tool wrote must never become a special token, and yet has to go through the template, which may trim, split or
 * inspect it. So only the stretches that look like special tokens are replaced by placeholders before the render, and put back after it
 * as segments in which special tokens are not parsed. Ordinary text is not touched and tokenises as if it had been typed into the template.
 */
const OPEN = '\u{F0000}';
const CLOSE = '\u{F0001}';

/** Shapes of special tokens over the families: `<|im_end|>`, `<｜User｜>`, `[INST]`, `<0x0A>`, and the plain names in use. */
const SHAPES = [
  '<[|｜][^<>\\s]{1,64}>',
  '<[^<>\\s]{1,64}[|｜]>',
  '\\[/?[A-Za-z]*[A-Z]{2,}[A-Z_]*\\]',
  '</?(?:s|bos|eos|pad|unk|mask|cls|sep|EOT|sop|eop|end_of_utterance|start_of_turn|end_of_turn|start_of_image|image_soft_token)>',
  '</?fim_?[a-z]*>',
  '<unused\\d+>',
  '<0x[0-9A-Fa-f]{2}>',
];

/** Markup that templates look for in messages, so that hiding it could change what they write. */
const INSPECTED = /^<\/?(think|thinking|tool_call|tool_response|tool_calls|tools)>$/;

export class SpecialText {
  readonly #pattern: RegExp;
  readonly #nonce = randomBytes(6).toString('hex');
  readonly #hidden: string[] = [];
  readonly #spare: boolean;

  /** @param spareInspected leave alone what templates look for in messages, such as `</think>`. */
  constructor(template: string, specialTokens: Record<string, string>, spareInspected: boolean) {
    this.#spare = spareInspected;
    const literal = [...Object.values(specialTokens), ...(template.match(/<\/?[^<>\s{}%'"]{1,64}>/g) ?? [])]
      .filter((text) => text.length > 1)
      .map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    this.#pattern = new RegExp([...new Set([...literal, ...SHAPES])].join('|'), 'gu');
  }

  get found(): boolean {
    return this.#hidden.length > 0;
  }

  hide(text: string): string {
    return text.replace(this.#pattern, (special) => {
      if (this.#spare && INSPECTED.test(special)) return special;
      return `${OPEN}${this.#nonce}${this.#hidden.push(special) - 1}${CLOSE}`;
    });
  }

  /** `hide` on every string in a JSON-like value; keys too, since a client chooses those of tool schemas. */
  hideDeep(value: unknown): unknown {
    if (typeof value === 'string') return this.hide(value);
    if (Array.isArray(value)) return value.map((item) => this.hideDeep(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.hide(key), this.hideDeep(item)]));
  }

  /** The rendered text with everything put back, and where that is. */
  reveal(rendered: string): WrittenPrompt {
    const marker = new RegExp(`${OPEN}${this.#nonce}(\\d+)${CLOSE}`, 'gu');
    const plain: number[] = [];
    let text = '';
    let at = 0;
    for (const match of rendered.matchAll(marker)) {
      text += rendered.slice(at, match.index);
      const special = this.#hidden[Number(match[1])] ?? '';
      plain.push(text.length, text.length + special.length);
      text += special;
      at = match.index + match[0].length;
    }
    return { text: text + rendered.slice(at), plain };
  }
}
