/** What the daemon answers, in the shapes of the wire. */

export interface Health {
  status: string;
  version: string;
}

/** What was set for the loads of a model, as docker's API has it. */
export interface ModelConfiguration {
  Model: string;
  Config: { 'context-size'?: number; keep_alive?: string };
}

export interface DaemonStatus {
  status: string;
  version: string;
  uptime_seconds: number;
  /** This, and what else may be absent here, is told to those who may manage the daemon. */
  pid?: number;
  host: string;
  port: number;
  /** Base address for clients, such as `http://127.0.0.1:10692`. */
  url: string;
  socket?: string | null;
  data_dir?: string;
  models_dir?: string;
  /** The command line of the daemon, so that it can be started again as it was. */
  arguments?: string[];
  backends: { id: string; available: boolean; version: string; device: string }[];
  models: { installed: number; running: string[]; downloading: string[] };
}

export interface Hardware {
  platform: string;
  arch: string;
  cpu: { model: string; cores: number; features: string[] };
  memory: { total: number; free: number };
  gpus: { vendor: string; name: string; memory_total: number; memory_free: number }[];
  acceleration: 'metal' | 'cuda' | 'cpu';
}

export interface ModelEntry {
  id: string;
  name: string;
  state: string;
  kind: string;
  capabilities: string[];
  /** Why the model cannot run, where it cannot. */
  problem?: string;
  /** Why chats are refused, where the chat template cannot be used. */
  template_problem?: string;
  modalities: string[];
  context_length: number;
  family: string;
  format: string;
  parameter_size: string;
  quantization: string;
  size: number;
  digest: string;
  path: string;
  installed_at: string;
  source: { provider: string; repo: string; revision: string; commit: string | null };
  files: { name: string; size: number; sha256: string }[];
  runtime?: {
    context_length: number | null;
    device: string | null;
    memory: number | null;
    pid: number | null;
    expires_at: string | null;
    active_requests: number;
    queued_requests: number;
  };
  download?: PullStatus;
}

export interface PullStatus {
  id: string;
  model: string;
  status: 'downloading' | 'verifying' | 'success' | 'error' | 'cancelled';
  completed: number;
  total: number;
  files: { name: string; digest: string; completed: number; total: number; cached: boolean }[];
  error?: { code: string; message: string; hint?: string };
}

/** What a model is by its headers, and whether it fits into memory. */
export interface ModelOutline {
  family: string;
  parameter_size: string;
  quantization: string;
  /** Bytes. Absent where memory cannot be planned. */
  memory?: { total: number; available: number; fits: boolean };
}

/** What a pull would bring. */
export interface PullPreview extends Partial<ModelOutline> {
  name: string;
  repo: string;
  size: number;
  files: { name: string; size: number }[];
  quant?: string;
}

/** One line of a pull: Ollama's progress object, and where our own routes say more, that. */
export interface PullLine {
  status: string;
  digest?: string;
  total?: number;
  completed?: number;
  /** Path of the file. */
  file?: string;
  /** Of `completed`: what an earlier pull had brought. */
  resumed?: number;
  /** Where the file was found that did not have to be fetched. */
  origin?: 'store' | 'hugging-face' | 'ollama';
  model?: ModelOutline & { size: number };
  /** Something that was asked for and has no effect. */
  warning?: string;
}

export interface ShowReply {
  modelfile: string;
  parameters: string;
  template: string;
  system: string;
  license: string;
  details: { format: string; family: string; parameter_size: string; quantization_level: string };
  model_info: Record<string, unknown>;
  capabilities: string[];
  modified_at: string;
  tensors?: { name: string; type: string; shape: number[] }[];
}

/** A short name of the user's own, and what it stands for. */
export interface Alias {
  alias: string;
  target: string;
}

/** A short name and the repository it stands for. */
export interface CatalogEntry {
  name: string;
  repo: string;
  installed: boolean;
}

export interface SearchHit {
  id: string;
  downloads: number;
  likes: number;
  formats: string[];
  gated: boolean;
}

/** A line of an import. */
export interface ImportLine {
  status: string;
  total?: number;
  completed?: number;
  /** With the last one. */
  model?: ModelEntry;
}

export interface GcReply {
  removed: { path: string; size: number }[];
  freed_bytes: number;
  /** Downloads that have stopped and can go on. */
  unfinished: { count: number; bytes: number };
}

/** A message of the OpenAI surface. */
export interface ClientMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
}

export interface ChatBody {
  model: string;
  messages: ClientMessage[];
  /** Ollama options: temperature, num_ctx, … */
  options?: Record<string, unknown>;
  think?: boolean | string;
  keep_alive?: string | number;
  max_tokens?: number;
  temperature?: number;
  top_p?: number;
  seed?: number;
  stop?: string[];
  response_format?: { type: string; json_schema?: object };
}

/** A text that the model goes on with, without a chat template. */
export interface CompletionBody {
  model: string;
  prompt: string;
  /** Ollama options: temperature, num_ctx, … */
  options?: Record<string, unknown>;
  keep_alive?: string | number;
}

export interface PlanBody {
  model: string;
  context_length?: number;
  max_sequences?: number;
  device?: string;
}

export interface PlanReply {
  object: string;
  model: string;
  fits: boolean;
  context_length: number;
  trained_context_length: number;
  weights_bytes: number;
  kv_bytes_per_token: number;
  kv_bytes: number;
  scratch_bytes: number;
  total_bytes: number;
  available_bytes: number;
}

export interface EmbedBody {
  model: string;
  input: string | string[];
  dimensions?: number;
  /** Cut what is too long; default true, as in Ollama. */
  truncate?: boolean;
  keep_alive?: string | number;
}

export interface EmbedReply {
  model: string;
  embeddings: number[][];
  prompt_eval_count?: number;
}

export type ChatPiece =
  | { type: 'reasoning'; text: string }
  | { type: 'content'; text: string }
  | { type: 'tool-call'; name: string; arguments: string }
  | {
      type: 'end';
      reason: string;
      promptTokens: number;
      completionTokens: number;
      cachedTokens: number;
      /** By the engine's clock; 0 where it was too short to measure or is not known. */
      decodeMs: number;
    };

/** An entry of `/ohmygpu/v1/events`. */
export interface DaemonEvent {
  type: string;
  time: string;
  model?: string;
  [field: string]: unknown;
}
