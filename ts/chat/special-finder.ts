/** Shapes of special tokens over the families: `<|im_end|>`, `<｜User｜>`, `[INST]`, `<0x0A>`, and the plain names in use. */
const SHAPES = [
  '<[|｜][^<>\\s]{1,64}>',
  '<[^<>\\s]{1,64}[|｜]>',
  '\\[/?[A-Za-z]{0,64}[A-Z]{2}(?:_[A-Z_]{0,64})?\\]',
  '</?(?:s|bos|eos|pad|unk|mask|cls|sep|EOT|sop|eop|end_of_utterance|start_of_turn|end_of_turn|start_of_image|image_soft_token)>',
  '</?fim_?[a-z]{0,64}>',
  '<unused\\d{1,16}>',
  '<0x[0-9A-Fa-f]{2}>',
];
/** Where these may begin. */
const SHAPE_BEGINS = '<[';

/** Markup of a template's own that looks like a token. */
const NAMED = /<\/?[^<>\s{}%'"]{1,64}>/g;
const MOST_LITERALS = 1_000;
const LONGEST_LITERAL = 256;

/** Literals that begin alike share a path; `ends` where one of them is whole. */
interface Branch {
  ends: boolean;
  next: Map<number, Branch>;
}

/**
 * Finds what looks like a special token: the model's own, those that its template names, and what has the shape of one in any family. Each
 * place where one may begin is looked at once and no further than a token is long, so the work is linear in the text, whatever the text.
 */
export class SpecialFinder {
  readonly #root: Branch = { ends: false, next: new Map() };
  readonly #begins: RegExp;
  readonly #shape = new RegExp(SHAPES.join('|'), 'uy');

  /** Throws where the template or the model names more, or longer, than any honest one does. */
  constructor(template: string, specialTokens: Record<string, string>) {
    const literals = new Set(Object.values(specialTokens).filter((text) => text.length > 1));
    for (const [named] of template.matchAll(NAMED)) {
      if (literals.size >= MOST_LITERALS) throw new Error(`it names more than ${MOST_LITERALS} special tokens`);
      literals.add(named);
    }
    const begins = new Set(SHAPE_BEGINS);
    for (const literal of literals) {
      if (literal.length > LONGEST_LITERAL) throw new Error('a special token of the model is far too long');
      begins.add(literal.charAt(0));
      this.#plant(literal);
    }
    const units = [...begins].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    this.#begins = new RegExp(`[${units.join('')}]`, 'g');
  }

  /** The text with every find replaced, from left to right, the longest of those that begin at one place. */
  replace(text: string, by: (special: string) => string): string {
    let written = '';
    let at = 0;
    this.#begins.lastIndex = 0;
    for (let begin = this.#begins.exec(text); begin !== null; begin = this.#begins.exec(text)) {
      const end = Math.max(this.#literalEnd(text, begin.index), this.#shapeEnd(text, begin.index));
      if (end === 0) continue;
      written += text.slice(at, begin.index) + by(text.slice(begin.index, end));
      at = end;
      this.#begins.lastIndex = end;
    }
    return at === 0 ? text : written + text.slice(at);
  }

  #plant(literal: string): void {
    let branch = this.#root;
    for (let at = 0; at < literal.length; at++) {
      const unit = literal.charCodeAt(at);
      const next = branch.next.get(unit) ?? { ends: false, next: new Map() };
      branch.next.set(unit, next);
      branch = next;
    }
    branch.ends = true;
  }

  /** Where the longest literal that begins here ends; 0 where none does. */
  #literalEnd(text: string, from: number): number {
    let end = 0;
    let branch: Branch | undefined = this.#root;
    for (let at = from; branch !== undefined; at++) {
      if (branch.ends) end = at;
      branch = at < text.length ? branch.next.get(text.charCodeAt(at)) : undefined;
    }
    return end;
  }

  #shapeEnd(text: string, from: number): number {
    if (!SHAPE_BEGINS.includes(text.charAt(from))) return 0;
    this.#shape.lastIndex = from;
    return this.#shape.test(text) ? this.#shape.lastIndex : 0;
  }
}
