import type { ToolDefinition } from '../../inference/index.ts';
import type { Piece } from './piece.ts';
import { notACall, type TextSource } from './text-source.ts';

/** Where the readers of calls put what they find. A call that has begun stays one, whatever follows. */
export class CallSink {
  readonly tools: readonly ToolDefinition[];
  readonly #source: TextSource;
  #pieces: Piece[] = [];
  #begun = false;
  /** Only a call of a tool that was offered is believed. */
  #strict = false;
  calls = 0;

  constructor(source: TextSource, tools: readonly ToolDefinition[]) {
    this.#source = source;
    this.tools = tools;
  }

  /** @param strict the calls to come are not announced, so that they must name a tool that was offered. */
  expectCalls(strict: boolean): void {
    this.#strict = strict;
  }

  get isStrict(): boolean {
    return this.#strict;
  }

  content(text: string): void {
    if (text !== '') this.#pieces.push({ kind: 'content', text });
  }

  reasoning(text: string): void {
    if (text !== '') this.#pieces.push({ kind: 'reasoning', text });
  }

  begin(name: string): void {
    if (name === '') throw notACall('it has no name');
    if (this.#strict && !this.isTool(name)) throw notACall(`${name} is no tool`);
    this.#begun = true;
    this.#pieces.push({ kind: 'call', name });
    this.#source.mark();
  }

  /** Hands on a piece of the arguments, all of whose text has been read. What comes after it can be read again. */
  arguments(json: string): void {
    if (json !== '') this.#pieces.push({ kind: 'arguments', text: json });
    this.#source.mark();
  }

  /** Whether a call has begun and not ended. */
  get isInCall(): boolean {
    return this.#begun;
  }

  /** The call is complete, and what was read stays read. */
  end(): void {
    this.#begun = false;
    this.calls += 1;
    this.#pieces.push({ kind: 'call-end' });
    this.#source.mark();
  }

  isTool(name: string): boolean {
    return this.tools.some((tool) => tool.name === name);
  }

  /** The pieces so far. */
  take(): Piece[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }
}
