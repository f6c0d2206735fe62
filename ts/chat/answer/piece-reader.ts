import type { ToolDefinition } from '../../inference/index.ts';
import { CallSink } from './call-sink.ts';
import type { Piece } from './piece.ts';
import { type Reading, TextSource } from './text-source.ts';

/** Reads a text that comes in chunks, however they are cut: what it is made of is found by `read`, which waits where the text so far ends. */
export abstract class PieceReader {
  protected readonly source = new TextSource();
  protected readonly sink: CallSink;
  readonly #reading: Reading<void>;

  constructor(tools: ToolDefinition[]) {
    this.sink = new CallSink(this.source, tools);
    // It does not run before the first chunk, when the fields of the class that extends this are there.
    this.#reading = this.read();
  }

  protected abstract read(): Reading<void>;

  push(text: string): Piece[] {
    this.source.push(text);
    this.#reading.next();
    return this.sink.take();
  }

  finish(): Piece[] {
    this.source.end();
    this.#reading.next();
    return this.sink.take();
  }
}
