import type { PromptSegment } from '../../inference/index.ts';

/** Words with the white space before them are tokens; ids are given in order of first sight, so text survives the round trip. */
export class StandInVocabulary {
  readonly #ids = new Map<string, number>();
  readonly #texts: string[] = [];

  idOf(piece: string): number {
    const known = this.#ids.get(piece);
    if (known !== undefined) return known;
    const id = this.#texts.length;
    this.#texts.push(piece);
    this.#ids.set(piece, id);
    return id;
  }

  tokenize(prompt: PromptSegment[]): number[] {
    return prompt.flatMap((segment) =>
      segment.kind === 'tokens' ? segment.tokens : pieces(segment.text).map((piece) => this.idOf(piece)),
    );
  }

  detokenize(tokens: number[]): string {
    return tokens.map((id) => this.#texts[id] ?? '').join('');
  }
}

export function pieces(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}
