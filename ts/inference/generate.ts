import type { Grammar } from './grammar.ts';

/**
 * The engine-level request and event model: tokens in, text out. Every dialect and the chat core are adapters to it.
 * All durations are milliseconds, all sizes bytes.
 */

/** A prompt is a list of segments, so that what a person wrote can never become a special token. */
export type PromptSegment =
  | { kind: 'text'; text: string; parseSpecial: boolean }
  | { kind: 'tokens'; tokens: number[] };

/** Absent fields take the engine's defaults. What a model's files suggest is filled in before (`ts/lifecycle/model-parameters.ts`). */
export interface Sampling {
  /** 0 is greedy. */
  temperature?: number;
  /** ≤ 0 is off. */
  topK?: number;
  topP?: number;
  minP?: number;
  typicalP?: number;
  repeatPenalty?: number;
  /** Window in tokens; 0 is off, −1 the whole context. */
  repeatLastN?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  mirostat?: 0 | 1 | 2;
  mirostatTau?: number;
  mirostatEta?: number;
  /** Absent: random. The same seed and request give the same tokens, alone or batched. */
  seed?: number;
  /** [token id, bias] pairs; −100 bans a token. */
  logitBias?: [number, number][];
}

export interface GenerateRequest {
  prompt: PromptSegment[];
  sampling: Sampling;
  /** Stop strings; the matched text is not emitted. */
  stop: string[];
  /** Absent: until a stop or the end of the window. 0 generates nothing. */
  maxTokens?: number;
  /** Number of alternatives per token; absent: no logprobs. */
  topLogprobs?: number;
  /** Also report the logprobs of the prompt's tokens (echo). */
  promptLogprobs?: boolean;
  /** Emit special tokens as text (used where a parser needs them). */
  keepSpecialTokens?: boolean;
  /** Throws `invalid_request` before the first event when it cannot be enforced. */
  grammar?: Grammar;
}

export interface TokenLogprob {
  token: string;
  tokenId: number;
  logprob: number;
  /** UTF-8 bytes of the token; may be a fragment of a character. */
  bytes: number[];
  top: { token: string; tokenId: number; logprob: number; bytes: number[] }[];
}

export interface GenerateUsage {
  promptTokens: number;
  /** Part of promptTokens that came from the prefix cache. */
  cachedTokens: number;
  completionTokens: number;
}

export interface GenerateTimings {
  queueMs: number;
  prefillMs: number;
  decodeMs: number;
}

export type StopReason = 'stop' | 'length' | 'cancelled';

export type GenerateEvent =
  /** Once, when the prompt has been processed and before the first text. */
  | { type: 'start'; promptTokens: number; cachedTokens: number; promptLogprobs?: TokenLogprob[] }
  /**
   * Whole UTF-8 characters only. `tokens` counts the tokens since the last text event (≥ 0). Of several tokens, `lengths` says how many
   * UTF-16 units of the text each brought, the last one's at its end; what is in front of them belongs to earlier tokens.
   */
  | { type: 'text'; text: string; tokens: number; lengths?: number[]; logprobs?: TokenLogprob[] }
  /** Exactly once, last. `windowFull` tells a length stop by the window from one by maxTokens. */
  | {
      type: 'end';
      reason: StopReason;
      stopSequence?: string;
      windowFull?: boolean;
      usage: GenerateUsage;
      timings: GenerateTimings;
    };
