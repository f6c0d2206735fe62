import type { Grammar } from './grammar.ts';
import type { ServingEngine } from './serving-engine.ts';
import type { PromptSegment, WorkEvent, WorkKind, WorkRequest } from './work.ts';

/** Reads what is in a model's files, and says what it would take to serve them. Always ours, whatever engine serves the model. */
export interface ModelInspector {
  devices(): Promise<DeviceInfo[]>;
  /** Reads headers only. Throws `invalid_model_file`, `unsupported_architecture`, `unsupported_quantization`. */
  inspect(path: string): Promise<ModelHeader>;
  plan(spec: LoadSpec): Promise<MemoryPlan>;
  /**
   * Resolves for a grammar that `generate` can take without harm to others; who hands one to a model asks this first. Throws
   * `invalid_request` for one that does not compile within bounds of time and memory, `server_busy`, `cancelled`.
   */
  checkGrammar(grammar: Grammar, signal?: AbortSignal): Promise<void>;
  /**
   * Writes a quantised copy of a GGUF file, in a process of its own. `target` is such as `Q4_K_M`. Throws `invalid_request` (the
   * target), `unsupported` (the source), `disk_full` and the errors of `inspect`. Aborting ends the process; what it wrote stays.
   */
  quantize(path: string, target: string, out: string, options?: LoadOptions): Promise<void>;
}

/** What is loaded besides the model. Absolute paths. The engine of this package opens `path` alone; others are handed the rest by role. */
export interface LoadComponents {
  components?: {
    role: 'model' | 'projector' | 'text-encoder' | 'vae' | 'vocoder' | 'adapter' | 'draft';
    path: string;
  }[];
}

export interface LoadSpec extends LoadComponents {
  /** A GGUF file (the first of a split set) or a safetensors folder. */
  path: string;
  device?: 'auto' | 'cpu' | `cuda:${number}` | 'metal';
  /** Tokens; absent: min(trained, what fits, 32768). A larger value than the trained one is clamped. */
  contextLength?: number;
  /** Sequences decoded at once; default 4. */
  maxSequences?: number;
  /** 0 or absent: all physical cores. */
  threads?: number;
  /** Load only the tokenizer: tokenize and detokenize work, generate does not. */
  tokenizerOnly?: boolean;
}

export interface LoadOptions {
  signal?: AbortSignal;
  onProgress?: (fraction: number) => void;
}

export interface LoadedModel {
  readonly info: LoadedModelInfo;
  readonly engine: ServingEngine;
  /** Process id of the runner; absent for an engine without processes. */
  readonly pid?: number;
  /** Aborting throws `cancelled` and drops what has not begun; so it does for `detokenize`. */
  tokenize(prompt: PromptSegment[], signal?: AbortSignal): Promise<number[]>;
  detokenize(tokens: number[], signal?: AbortSignal): Promise<string>;
  /**
   * Runs one request. Errors before the first event are thrown by the first `next()`: `context_length_exceeded` (detail:
   * promptTokens, contextLength, of a list of texts also index), `invalid_request`, `unsupported`, `runner_crashed`. Leaving the loop
   * early, or aborting, cancels within one step: a stream of text then ends with the reason `cancelled`, other work throws `cancelled`.
   */
  run<Kind extends WorkKind>(
    kind: Kind,
    request: WorkRequest<Kind>,
    signal?: AbortSignal,
  ): AsyncIterable<WorkEvent<Kind>>;
  /** Waits for the work in flight, then frees everything. Idempotent. */
  unload(): Promise<void>;
  /** Resolves when the model is gone, whatever the reason. */
  readonly gone: Promise<RunnerExit>;
}

export type RunnerExit = { reason: 'unloaded' } | { reason: 'crashed'; message: string };

export interface LoadedModelInfo {
  contextLength: number;
  trainedContextLength: number;
  device: string;
  memory: MemoryPlan;
  loadMs: number;
}

export interface MemoryPlan {
  weightsBytes: number;
  kvBytesPerToken: number;
  kvBytes: number;
  /** Of the state that a sequence has whatever its length. */
  stateBytesPerSequence: number;
  /** Of all states: one for every sequence that may run, and checkpoints from which a beginning is reused. */
  stateBytes: number;
  /** The most that any of `stages` takes. */
  scratchBytes: number;
  totalBytes: number;
  availableBytes: number;
  contextLength: number;
  fits: boolean;
  /** What the model takes of each device it is spread over. */
  devices: { device: string; totalBytes: number; availableBytes: number }[];
  /** The parts of the work, which run one after another: `generate`, `encode`. */
  stages: { name: string; scratchBytes: number }[];
}

export interface DeviceInfo {
  id: string;
  kind: 'cpu' | 'cuda' | 'metal';
  name: string;
  memoryBytes: number;
  freeMemoryBytes: number;
  /** CPU: instruction sets in use, such as avx512vnni. */
  features: string[];
}

/** What the headers of a model say. GGUF metadata keys, also synthesised for safetensors folders. */
export interface ModelHeader {
  format: 'gguf' | 'safetensors';
  architecture: string;
  /** Metadata without the large arrays (arrays over 64 entries are given as their length). */
  metadata: Record<string, MetadataValue>;
  parameterCount: number;
  quantization: string;
  trainedContextLength: number;
  embeddingLength: number;
  blockCount: number;
  sizeBytes: number;
  chatTemplate?: string;
  /** Text of the special tokens the chat template names, such as bos_token and eos_token. */
  specialTokens: Record<string, string>;
  capabilities: ('completion' | 'embedding' | 'rerank' | 'insert' | 'vision')[];
  tensors: { name: string; type: string; shape: number[] }[];
}

export type MetadataValue = string | number | boolean | null | MetadataValue[] | { arrayLength: number };
