/** What an answer is made of, once read. A call is begun, gets its arguments piece by piece, and is ended or turns out to be none. */
export type Piece =
  | { kind: 'reasoning'; text: string }
  | { kind: 'content'; text: string }
  | { kind: 'call'; name: string }
  /** A piece of the JSON text of the call that is begun. */
  | { kind: 'arguments'; text: string }
  | { kind: 'call-end' }
  /** The call that was begun is none; its text follows as content. */
  | { kind: 'call-broken' };

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
