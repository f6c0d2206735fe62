/** What an answer must be written in. Generation is limited to it, and ends where it is complete. */
export type Grammar = GrammarSource & {
  /** Where it begins; absent: with the answer. */
  after?: GrammarAfter;
};

export type GrammarSource =
  /** With `strict` a keyword that cannot be enforced is refused, else it is left unenforced. */
  | { kind: 'json_schema'; schema: unknown; strict?: boolean }
  /** Any JSON object. */
  | { kind: 'json_object' }
  /** The whole answer matches; the syntax is that of Rust's `regex`, without look-around. */
  | { kind: 'regex'; pattern: string }
  /** The Lark dialect of llguidance, beginning at `start`. `rules` are added to it by name (lower case, digits, `_`). */
  | { kind: 'lark'; source: string; rules?: Record<string, GrammarRule> }
  /** The grammar notation of llama.cpp, beginning at `root`. */
  | { kind: 'gbnf'; source: string };

/** A rule that is data and no grammar text. */
export type GrammarRule =
  /** Exactly this text; names of special tokens in it are those tokens. */
  | { text: string }
  /** A JSON document. */
  | { schema: unknown; strict?: boolean };

export interface GrammarAfter {
  /** A free span that the answer may begin with, such as thoughts. `opened`: the prompt ends inside it. */
  span?: { open: string; close: string; opened: boolean };
  /** The answer is free until this text appears behind the span, and need not come to it. The grammar begins behind it. */
  opener?: string;
}
