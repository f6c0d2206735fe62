import type {
  ChatEvent,
  ChatRequest,
  EngineKind,
  LoadedModelInfo,
  PromptSegment,
  ServingEngine,
  WorkEvent,
  WorkKind,
  WorkRequest,
} from '../inference/index.ts';
import type { InstallRecord, ModelProfile } from '../library/index.ts';
import type { PullProgress } from '../sources/index.ts';

/** What the dialects see of the models. One instance per daemon; built in `ts/lifecycle`, handed to each dialect's plugin. */
export interface Models {
  /** Resolves any accepted form of a name. Throws `model_not_found`, `ambiguous_model_name`, `invalid_model_name`. */
  resolve(name: string): Promise<InstalledModel>;
  /** Newest first. Never waits on an engine. */
  list(): Promise<InstalledModel[]>;
  /** Models in memory or on the way there, longest-lived first. Never waits on an engine. */
  running(): RunningModel[];
  /** Loads without generating and applies keepAlive; resolves when ready. */
  load(name: string, options?: UseOptions): Promise<RunningModel>;
  /** Unloads after the requests under way, which are cancelled after `abortAfterMs`; false when it was not loaded. */
  unload(name: string, options?: { abortAfterMs?: number }): Promise<boolean>;
  /**
   * Work of one kind, with the model's own parameters where it has some. The first `next()` throws what failed before the first event:
   * `unsupported` for models that are not made for it, and what `LoadedModel.run` throws.
   */
  run<Kind extends WorkKind>(
    kind: Kind,
    name: string,
    request: WorkRequest<Kind>,
    options?: UseOptions,
  ): AsyncIterable<WorkEvent<Kind>>;
  /** Templated chat with reasoning split and tool calls parsed. */
  chat(name: string, request: ChatRequest, options?: UseOptions): AsyncIterable<ChatEvent>;
  /** The prompt `chat` would send. Loads no weights. */
  renderChat(name: string, request: ChatRequest, options?: Pick<UseOptions, 'signal'>): Promise<PromptSegment[]>;
  /** The prompt that `chat` comes to hand the model, without the turns that it would drop. Loads the model, as only then its window is known. */
  renderFitted(name: string, request: ChatRequest, options?: UseOptions): Promise<PromptSegment[]>;
  /** The signal drops the work, as it does for `detokenize`. */
  tokenize(name: string, prompt: PromptSegment[], signal?: AbortSignal): Promise<number[]>;
  detokenize(name: string, tokens: number[], signal?: AbortSignal): Promise<string>;
  /** Unloads first. Throws `model_not_found`. */
  remove(name: string): Promise<void>;
  /** `own.contextLength`, tokens: the window of the new name where a request asks for none. */
  copy(source: string, destination: string, own?: { contextLength?: number }): Promise<void>;
  /**
   * Makes a model of another or of uploaded blobs, ending with `success`. Throws what `resolve` and pulls throw, `invalid_request`,
   * `unsupported`, `template_failed` and what the engine says of the files.
   */
  create(spec: CreateSpec, signal?: AbortSignal): AsyncIterable<CreateEvent>;
  /** Starts or joins a pull. */
  pull(spec: PullSpec): PullJob;
  /** A pull by its id; undefined when unknown or over an hour old. */
  findPull(id: string): PullJob | undefined;
  /** The pulls under way. */
  pulls(): PullJob[];
  /** What happens from now on, until the signal aborts, the loop ends or the daemon closes. Slow readers lose the oldest events. */
  events(signal?: AbortSignal): AsyncIterableIterator<LifecycleEvent>;
  /** Ends everything: no new requests, drains up to `drainMs`, then cancels. */
  close(drainMs: number): Promise<void>;
}

export interface UseOptions {
  signal?: AbortSignal;
  /** Milliseconds the model stays loaded after the last request; Infinity is forever, 0 unloads at once. Absent: no change. */
  keepAliveMs?: number;
  /** Tokens. Only an explicitly larger value than the loaded one reloads. */
  contextLength?: number;
  /** Which engine serves it. Absent: the model's own setting, then that of all. */
  engine?: EngineKind;
  /** The answer goes on when the window is full, behind this many first tokens of the prompt and the newest half of the rest. */
  contextShiftKeep?: number;
  /** Called when the model is ready, with the milliseconds the request waited for it, load included. */
  onReady?: (waitedMs: number) => void;
}

export interface InstalledModel {
  /** Shortest display form, always with a tag. */
  name: string;
  record: InstallRecord;
  details: ModelDetails;
  /** Why the model cannot run, where its files say so. */
  problem?: string;
}

export interface ModelDetails {
  format: 'gguf' | 'safetensors';
  /** GGUF architecture name, such as `llama`. */
  family: string;
  /** Display string such as `8.0B`. */
  parameterSize: string;
  parameterCount: number;
  quantization: string;
  trainedContextLength: number;
  embeddingLength: number;
  capabilities: Capability[];
  /** The chat template has a place for a suffix; else the tokens of the tokenizer make room for it. */
  insertsByTemplate?: boolean;
  chatTemplate?: string;
  /** Why the chat template cannot be used, where it cannot; chats then get `template_failed`. */
  templateProblem?: string;
  /** The model's own sampling defaults (generation_config.json or GGUF metadata), Ollama option names. */
  parameters: Record<string, number | string | boolean | string[]>;
  metadata: Record<string, unknown>;
  tensors(): Promise<{ name: string; type: string; shape: number[] }[]>;
  license?: string;
}

export type Capability = 'completion' | 'tools' | 'insert' | 'vision' | 'embedding' | 'rerank' | 'thinking';

export interface RunningModel {
  name: string;
  record: InstallRecord;
  state: 'starting' | 'running' | 'stopping';
  info?: LoadedModelInfo;
  pid?: number;
  /** Once it is loaded. */
  engine?: ServingEngine;
  /** Absent while busy or loading without a deadline; Infinity is forever. Unix milliseconds. */
  expiresAt?: number;
  /** When the last request ended, or the load. Unix milliseconds. */
  lastUsedAt?: number;
  activeRequests: number;
  queuedRequests: number;
  details: ModelDetails;
}

/** Either `from` or `files`. */
export interface CreateSpec {
  name: string;
  /** A model; one that is not installed is pulled. */
  from?: string;
  /** File name → sha256 of an uploaded blob. */
  files?: Record<string, string>;
  /** What the new model says of its own. */
  profile: ModelProfile;
  /** Tokens: its window where a request asks for none. */
  contextLength?: number;
  /** A type such as `Q4_K_M`, in any case, that the weights are written in. */
  quantize?: string;
}

export type CreateEvent =
  | { type: 'pull'; progress: PullProgress }
  | { type: 'reading'; files: string[] }
  /** A file that becomes part of the model. */
  | { type: 'layer'; sha256: string }
  /** `fraction` of the source is written, 0 to 1. */
  | { type: 'quantizing'; from: string; to: string; fraction: number; sourceBytes: number }
  | { type: 'verifying' }
  | { type: 'writing' }
  | { type: 'success' };

export interface PullSpec {
  /** `owner/repo[:quant][@revision]` or any accepted form. */
  model: string;
  revision?: string;
  quant?: string;
  file?: string;
  force?: boolean;
  /** Access token for this pull alone. */
  token?: string;
}

export interface PullJob {
  readonly id: string;
  readonly model: string;
  readonly state: PullState;
  /** Progress now and as it changes (at most every 60 ms), ending after `success`; throws the error of the pull. Leaving the loop
   * early drops this waiter; the download stops when the last waiter has left, unless it was started detached. */
  watch(signal?: AbortSignal): AsyncIterable<PullProgress>;
  /** Keeps the pull alive without waiters (`POST /v1/models/pull`). */
  detach(): void;
  cancel(): Promise<void>;
}

export interface PullState {
  status: 'downloading' | 'verifying' | 'success' | 'error' | 'cancelled';
  progress: PullProgress;
  error?: { code: string; message: string; hint?: string };
}

/** What the events stream carries (`/ohmygpu/v1/events`). */
export type LifecycleEvent =
  | { type: 'download.progress'; time: string; model: string; progress: PullProgress }
  | { type: 'download.done'; time: string; model: string; error?: { code: string; message: string } }
  | { type: 'model.loading' | 'model.loaded' | 'model.unloaded'; time: string; model: string; reason?: string }
  | { type: 'queue'; time: string; model: string; active: number; queued: number };
