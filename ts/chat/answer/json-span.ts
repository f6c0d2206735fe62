/** Finds the end of a JSON object or array in a text that grows. Looks at each character once. */
export class JsonSpan {
  readonly #start: number;
  #at: number;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** @param start index of the opening brace or bracket. */
  constructor(start: number) {
    this.#start = start;
    this.#at = start;
  }

  /** The index after the closing brace; undefined while it is not there. */
  end(text: string): number | undefined {
    for (; this.#at < text.length; this.#at++) {
      const character = text[this.#at];
      if (this.#escaped) this.#escaped = false;
      else if (this.#inString) {
        if (character === '\\') this.#escaped = true;
        else if (character === '"') this.#inString = false;
      } else if (character === '"') this.#inString = true;
      else if (character === '{' || character === '[') this.#depth += 1;
      else if (character === '}' || character === ']') {
        this.#depth -= 1;
        if (this.#depth <= 0) return this.#at + 1;
      }
    }
    return undefined;
  }

  get start(): number {
    return this.#start;
  }
}
