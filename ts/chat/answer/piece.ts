/** What an answer is made of, once read. A call begins, gets its arguments piece by piece, and ends. */
export type Piece =
  | { kind: 'reasoning'; text: string }
  | { kind: 'content'; text: string }
  | { kind: 'call'; name: string }
  /** A piece of the JSON text of the call that has begun. It is no JSON where the model wrote none, or was cut off. */
  | { kind: 'arguments'; text: string }
  | { kind: 'call-end' };

/** The longest suffix of the text that may be the beginning of the tag. */
export function partialTag(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}

/** Where the white space at the end begins. */
export function trailingSpace(text: string): number {
  return text.trimEnd().length;
}

/** Texts of a kind that follow each other, joined. */
export function joinPieces(pieces: Piece[]): Piece[] {
  const all: Piece[] = [];
  for (const piece of pieces) {
    const last = all.at(-1);
    if ('text' in piece && last !== undefined && 'text' in last && last.kind === piece.kind) last.text += piece.text;
    else all.push({ ...piece });
  }
  return all;
}
