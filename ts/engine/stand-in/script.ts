import type { OmgError } from '../../errors/index.ts';
import type { GenerateRequest, MemoryPlan, ModelHeader } from '../../inference/index.ts';

/** How a stand-in model behaves. Every field is optional: without any it echoes the prompt's text, one word per token, at once. */
export interface StandInScript {
  /** `echo` (default; a minimal document where the request asks for JSON), a text, or a function of the request and the prompt's text that gives the pieces to send, one per token. */
  reply?:
    | 'echo'
    | string
    | ((request: GenerateRequest, promptText: string) => Iterable<string> | AsyncIterable<string>);
  header?: Partial<ModelHeader>;
  memory?: Partial<MemoryPlan>;
  /** The window when the load asks for none; default 4096. */
  contextLength?: number;
  loadMs?: number;
  /** Before the `start` event. */
  prefillMs?: number;
  /** Before every token. */
  tokenMs?: number;
  /** Thrown by `inspect` and `plan`. */
  inspectError?: OmgError;
  loadError?: OmgError;
  /** Thrown by the first `next()`. */
  generateError?: OmgError;
  /** Thrown after so many tokens. */
  failAfter?: { tokens: number; error: OmgError };
  /** The "process" dies after so many tokens of any generation; `always` or the first generation only. */
  crashAfter?: { tokens: number; always?: boolean };
}

/** What became of one generation; live, so that a test sees a cancellation as soon as it happens. */
export interface StandInGeneration {
  readonly path: string;
  readonly request: GenerateRequest;
  readonly promptText: string;
  state: 'prefill' | 'decoding' | 'finished' | 'cancelled' | 'failed';
  tokens: number;
}

/** What became of one load. */
export interface StandInLoad {
  readonly path: string;
  readonly contextLength: number | undefined;
  readonly tokenizerOnly: boolean;
  state: 'loading' | 'loaded' | 'failed' | 'aborted' | 'unloaded' | 'crashed';
}
