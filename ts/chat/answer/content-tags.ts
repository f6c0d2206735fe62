import { partialTag } from './piece.ts';

/** Leaves out tags that stand around what a model says, and the white space that belongs to them. */
export class ContentTags {
  readonly #tags: readonly string[];
  #held = '';
  /** A tag was just read, so white space is its own. */
  #isBehindTag = false;

  constructor(tags: readonly string[]) {
    this.#tags = tags;
  }

  push(text: string): string {
    this.#held += text;
    let told = '';
    for (;;) {
      if (this.#isBehindTag) this.#held = this.#held.trimStart();
      if (this.#held !== '') this.#isBehindTag = false;
      const found = this.#tags.map((tag) => ({ at: this.#held.indexOf(tag), tag })).filter(({ at }) => at >= 0);
      const [first] = found.sort((a, b) => a.at - b.at);
      if (first === undefined) break;
      told += this.#held.slice(0, first.at);
      this.#held = this.#held.slice(first.at + first.tag.length);
      this.#isBehindTag = true;
    }
    const end = this.#held.length - Math.max(...this.#tags.map((tag) => partialTag(this.#held, tag)));
    told += this.#held.slice(0, end);
    this.#held = this.#held.slice(end);
    return told;
  }

  finish(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }
}
