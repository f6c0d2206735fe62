import type { GenerateTimings, GenerateUsage, Sampling, TokenLogprob } from './generate.ts';
import type { GrammarSource } from './grammar.ts';

/** The chat-level request and event model that the Ollama, OpenAI and other dialects translate to and from. */

export interface ToolCall {
  id: string;
  name: string;
  /** What the model wrote: JSON text of an object, unless it was cut off or malformed. */
  arguments: string;
}

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  /** Nothing was said beside the calls, not even an empty text; then `content` is empty. */
  contentAbsent?: true;
  reasoning?: string;
  toolCalls?: ToolCall[];
  /** role tool: which call it answers. */
  toolCallId?: string;
  toolName?: string;
}

export interface ToolDefinition {
  name: string;
  description?: string;
  /** JSON Schema, passed to the template verbatim, key order kept. */
  parameters?: Record<string, unknown>;
  /** The arguments of its calls always follow `parameters`. */
  strict?: boolean;
}

/** `required`: the answer is calls. A name: it is calls of that tool. */
export type ToolChoice = 'required' | { name: string };

export type ThinkLevel = 'low' | 'medium' | 'high' | 'max';

export interface ChatRequest {
  messages: ChatMessage[];
  tools?: ToolDefinition[];
  /** Absent: the model decides whether it calls. */
  toolChoice?: ToolChoice;
  /** At most one call, where calls are forced or strict. */
  singleCall?: boolean;
  /** What the content of the answer is written in, reasoning apart. */
  outputFormat?: GrammarSource;
  /** Absent: on where the model can think. */
  think?: boolean | ThinkLevel;
  /**
   * Tokens the model may think before it must answer; absent: as many as it likes.
   */
  maxReasoningTokens?: number;
  sampling: Sampling;
  stop: string[];
  maxTokens?: number;
  topLogprobs?: number;
  /** `drop-turns` drops whole oldest turns when the prompt is too long and says so; `error` refuses. */
  onOverflow: 'drop-turns' | 'error';
  /** What the dialect had to change or leave out already, by name. */
  adapted?: string[];
  /** Stands behind a gap that the model is to fill; the last message stands before it. For templates that have a place for it. */
  suffix?: string;
  /** In place of the model's own chat template. */
  template?: string;
  /** Extra variables for the template. */
  templateVariables?: Record<string, unknown>;
}

export interface CacheMiss {
  /** `prompt_changed`: the prompt is another one from that token on. `evicted`: it is the same, and the cache had let go of it. */
  reason: 'prompt_changed' | 'evicted';
  /** Counted from 0, in comparison with the earlier prompt of the model that has most in common with this one. */
  firstDifferingToken: number;
}

export type ChatEvent =
  | {
      type: 'start';
      promptTokens: number;
      cachedTokens: number;
      /** Present when whole turns were dropped to fit the window. */
      dropped?: { messages: number; tokens: number };
      /** What was changed so that the template takes the conversation, by name. */
      adapted?: string[];
    }
  | { type: 'reasoning'; text: string; tokens: number; logprobs?: TokenLogprob[] }
  | { type: 'content'; text: string; tokens: number; logprobs?: TokenLogprob[] }
  /** A call has begun. Its arguments follow in pieces, then `tool-call` of the same index. */
  | { type: 'tool-call-start'; index: number; id: string; name: string }
  /** A piece of the JSON text of the arguments. */
  | { type: 'tool-call-delta'; index: number; text: string }
  /**
   * A call has ended; its arguments are the pieces joined. They are no JSON object where the model wrote none, or was cut off within
   * them. `index` counts from 0. A source may send it without the pieces.
   */
  | { type: 'tool-call'; index: number; call: ToolCall }
  | {
      type: 'end';
      reason: 'stop' | 'length' | 'tool-calls' | 'cancelled';
      stopSequence?: string;
      windowFull?: boolean;
      /** Present where a prompt like an earlier one was not taken from the cache as far as it could be. */
      cacheMiss?: CacheMiss;
      usage: GenerateUsage & { reasoningTokens: number };
      timings: GenerateTimings;
    };
