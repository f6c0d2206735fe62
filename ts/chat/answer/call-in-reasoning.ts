import type { ToolDefinition } from '../../inference/index.ts';
import { type CallFormat, CallReader } from './call-reader.ts';
import { type Piece, partialTag, trailingSpace } from './piece.ts';

/**
 * Some models call a tool without closing their reasoning first, and the answer ends there. So a call within reasoning is held back until it
 * is known what it is: the last thing said makes it a call; reasoning that goes on makes it a quotation.
 */
export class CallInReasoning {
  readonly #format: CallFormat;
  readonly #tools: ToolDefinition[];
  /** Text that may be a call, with the white space before it. */
  #held = '';
  #candidate: { reader: CallReader; pieces: Piece[] } | undefined;

  constructor(format: CallFormat, tools: ToolDefinition[]) {
    this.#format = format;
    this.#tools = tools;
  }

  /** Takes reasoning as it comes, and gives back what is reasoning for certain. */
  push(text: string): string {
    this.#held += text;
    if (this.#candidate !== undefined) {
      this.#follow(text);
      if (this.#candidate !== undefined) return '';
    }
    let told = '';
    for (;;) {
      const start = this.#findOpening();
      const end = start ?? this.#held.length - Math.max(...this.#openings.map((tag) => partialTag(this.#held, tag)));
      const reasoning = this.#held.slice(0, trailingSpace(this.#held.slice(0, end)));
      told += reasoning;
      this.#held = this.#held.slice(reasoning.length);
      if (start === undefined) return told;
      this.#candidate = { reader: new CallReader(this.#format, this.#tools), pieces: [] };
      this.#follow(this.#held);
      if (this.#candidate !== undefined) return told;
      // No call: its announcement is reasoning, and what follows is looked at again.
      const opening = (this.#findOpening() ?? 0) + 1;
      told += this.#held.slice(0, opening);
      this.#held = this.#held.slice(opening);
    }
  }

  /** The reasoning goes on or has been closed: what was held is part of it. */
  release(): string {
    const text = this.#held;
    this.#held = '';
    this.#candidate = undefined;
    return text;
  }

  /** The answer has ended within the reasoning. */
  finish(): Piece[] {
    const pieces = [...(this.#candidate?.pieces ?? []), ...(this.#candidate?.reader.finish() ?? [])];
    const text = this.release();
    if (pieces.some(({ kind }) => kind === 'call')) return pieces;
    return text === '' ? [] : [{ kind: 'reasoning', text }];
  }

  get #openings(): string[] {
    return this.#format.open;
  }

  #findOpening(): number | undefined {
    const found = this.#openings.map((tag) => this.#held.indexOf(tag)).filter((at) => at >= 0);
    return found.length === 0 ? undefined : Math.min(...found);
  }

  /** Reads on in what may be a call, and gives it up where text shows that it is none. */
  #follow(text: string): void {
    if (this.#candidate === undefined) return;
    const pieces = this.#candidate.reader.push(text);
    this.#candidate.pieces.push(...pieces);
    if (pieces.some((piece) => piece.kind === 'content' && piece.text.trim() !== '')) this.#candidate = undefined;
  }
}
