import type { TokenLogprob } from '../../inference/index.ts';

export interface LogprobsJson {
  tokens: string[];
  token_logprobs: (number | null)[];
  top_logprobs: (Record<string, number> | null)[] | null;
  /** Characters from the start of the returned text. */
  text_offset: number[];
}

/** Collects the logprobs of one choice in the form of /v1/completions, handing them out piece by piece. */
export class CompletionLogprobs {
  readonly #top: number;
  #offset: number;
  #json: LogprobsJson;

  constructor(top: number, echo: string) {
    this.#top = top;
    this.#offset = echo.length;
    this.#json = this.#empty();
  }

  /** The tokens of an echoed prompt, before any others; they stand at the start of the text. */
  addPrompt(logprobs: TokenLogprob[]): void {
    if (logprobs.length === 0) return;
    const after = this.#offset;
    this.#offset = 0;
    this.add(logprobs);
    this.#offset = after;
    // Nothing stands before the first token of a prompt, so it has no probability.
    this.#json.token_logprobs[0] = null;
    if (this.#json.top_logprobs !== null) this.#json.top_logprobs[0] = null;
  }

  add(logprobs: TokenLogprob[]): void {
    for (const { token, logprob, top } of logprobs) {
      this.#json.tokens.push(token);
      this.#json.token_logprobs.push(Number.isFinite(logprob) ? logprob : null);
      this.#json.top_logprobs?.push(Object.fromEntries(top.map((entry) => [entry.token, entry.logprob])));
      this.#json.text_offset.push(this.#offset);
      this.#offset += token.length;
    }
  }

  /** What has come since the last call. */
  take(): LogprobsJson {
    const json = this.#json;
    this.#json = this.#empty();
    return json;
  }

  #empty(): LogprobsJson {
    return { tokens: [], token_logprobs: [], top_logprobs: this.#top === 0 ? null : [], text_offset: [] };
  }
}
