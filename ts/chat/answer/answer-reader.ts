import type { ChatFormat } from '../chat-format.ts';
import { CallReader } from './call-reader.ts';
import type { Piece } from './piece.ts';
import { ReasoningSplitter } from './reasoning-splitter.ts';

/** Reads an answer as it comes: reasoning first, then content and calls. The same pieces, joined, for any cutting of the same text. */
export class AnswerReader {
  readonly #reasoning: ReasoningSplitter | undefined;
  readonly #calls: CallReader | undefined;

  constructor(format: ChatFormat) {
    this.#reasoning = format.reasoning && new ReasoningSplitter(format.reasoning, format.reasoningOpened);
    this.#calls = format.calls && new CallReader(format.calls, format.tools);
  }

  get inReasoning(): boolean {
    return this.#reasoning?.inReasoning ?? false;
  }

  push(text: string): Piece[] {
    const pieces: Piece[] = this.#reasoning?.push(text) ?? [{ kind: 'content', text }];
    return pieces.flatMap((piece) => this.#readCalls(piece));
  }

  finish(): Piece[] {
    const pieces = (this.#reasoning?.finish() ?? []).flatMap((piece) => this.#readCalls(piece));
    return [...pieces, ...(this.#calls?.finish() ?? [])];
  }

  #readCalls(piece: Piece): Piece[] {
    return piece.kind === 'content' && this.#calls !== undefined ? this.#calls.push(piece.text) : [piece];
  }
}
