import type { ChatFormat } from '../chat-format.ts';
import { CallInReasoning } from './call-in-reasoning.ts';
import { CallReader } from './call-reader.ts';
import { ContentTags } from './content-tags.ts';
import { HarmonyReader } from './harmony-reader.ts';
import type { Piece } from './piece.ts';
import { ReasoningSplitter } from './reasoning-splitter.ts';

/** Reads an answer as it comes: reasoning first, then content and calls. The same pieces, joined, for any cutting of the same text. */
export class AnswerReader {
  readonly #harmony: HarmonyReader | undefined;
  readonly #reasoning: ReasoningSplitter | undefined;
  readonly #contentTags: ContentTags | undefined;
  readonly #calls: CallReader | undefined;
  readonly #callInReasoning: CallInReasoning | undefined;
  #reasoningShare = 0;

  constructor(format: ChatFormat) {
    if (format.harmony) {
      this.#harmony = new HarmonyReader(format.tools);
      return;
    }
    this.#reasoning = format.reasoning && new ReasoningSplitter(format.reasoning, format.reasoningOpened);
    this.#contentTags = format.contentTags && new ContentTags(format.contentTags);
    if (format.calls === undefined) return;
    this.#calls = new CallReader(format.calls, format.tools);
    this.#callInReasoning = format.reasoning && new CallInReasoning(format.calls, format.tools);
  }

  /** The part of the last pushed text that was reasoning, 0 to 1: engines send many tokens at once, across the tags. */
  get reasoningShare(): number {
    return this.#reasoningShare;
  }

  push(text: string): Piece[] {
    if (this.#harmony !== undefined) return this.#pushHarmony(this.#harmony, text);
    const before = this.#reasoning?.isOver === true;
    const pieces: Piece[] = this.#reasoning?.push(text) ?? [{ kind: 'content', text }];
    this.#reasoningShare = before ? 0 : this.#shareOf(text, pieces);
    return this.#readPieces(pieces);
  }

  #pushHarmony(reader: HarmonyReader, text: string): Piece[] {
    const pieces = reader.push(text);
    const length = (kind: Piece['kind']): number =>
      pieces.reduce((sum, piece) => sum + (piece.kind === kind && 'text' in piece ? piece.text.length : 0), 0);
    const thought = length('reasoning');
    const other = length('content') + length('arguments');
    this.#reasoningShare = thought + other === 0 ? (reader.inReasoning ? 1 : 0) : thought / (thought + other);
    return pieces;
  }

  #shareOf(text: string, pieces: Piece[]): number {
    if (this.#reasoning === undefined || this.#reasoning.undecided) return 0;
    if (text === '') return this.#reasoning.inReasoning ? 1 : 0;
    const content = pieces.reduce((sum, piece) => sum + (piece.kind === 'content' ? piece.text.length : 0), 0);
    return 1 - Math.min(1, content / text.length);
  }

  finish(): Piece[] {
    if (this.#harmony !== undefined) return this.#harmony.finish();
    const endsInReasoning = this.#reasoning?.inReasoning === true;
    const pieces = this.#readPieces(this.#reasoning?.finish() ?? []);
    const rest = this.#contentTags?.finish() ?? '';
    if (rest !== '') pieces.push(...(this.#calls?.push(rest) ?? [{ kind: 'content' as const, text: rest }]));
    if (endsInReasoning) pieces.push(...(this.#callInReasoning?.finish() ?? []));
    return [...pieces, ...(this.#calls?.finish() ?? [])];
  }

  #readPieces(all: Piece[]): Piece[] {
    const pieces = this.#contentTags === undefined ? all : all.flatMap((piece) => this.#withoutTags(piece));
    if (this.#calls === undefined) return pieces;
    const [reader, quoted] = [this.#calls, this.#callInReasoning];
    const read = pieces.flatMap((piece) => {
      if (piece.kind === 'content') return [...reasoningOf(quoted?.release()), ...reader.push(piece.text)];
      return piece.kind === 'reasoning' && quoted !== undefined ? reasoningOf(quoted.push(piece.text)) : [piece];
    });
    return this.#reasoning?.inReasoning === true ? read : [...read, ...reasoningOf(quoted?.release())];
  }

  #withoutTags(piece: Piece): Piece[] {
    if (piece.kind !== 'content') return [piece];
    const text = this.#contentTags?.push(piece.text) ?? '';
    return text === '' ? [] : [{ kind: 'content', text }];
  }
}

function reasoningOf(text = ''): Piece[] {
  return text === '' ? [] : [{ kind: 'reasoning', text }];
}
