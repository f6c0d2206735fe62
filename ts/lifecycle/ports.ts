import type { BlobsInput, InstallRecord, ModelName, OwnTraits, QuantizedInput } from '../library/index.ts';
import type { PullProgress } from '../sources/index.ts';
import type { PullSpec } from './types.ts';

/** The part of the model store that the life cycle needs. */
export interface ModelStore {
  list(): Promise<InstallRecord[]>;
  /** Any accepted form of a name. Throws `model_not_found`, `ambiguous_model_name`, `invalid_model_name`. */
  resolve(name: string, options?: { exact?: boolean }): Promise<InstallRecord>;
  /** Goes by exact names only. */
  remove(name: string): Promise<unknown>;
  copy(source: string, destination: string | ModelName, own?: OwnTraits): Promise<InstallRecord>;
  /** A model of uploaded files. `inspect` refuses it by throwing. */
  createFromBlobs(input: BlobsInput, inspect: (path: string) => Promise<unknown>): Promise<InstallRecord>;
  /** A model of one file that `make` writes. */
  createQuantized(input: QuantizedInput, make: (from: string, to: string) => Promise<void>): Promise<InstallRecord>;
}

/** Brings a model from the hub into the store. */
export interface Puller {
  /** Resolves when the model is installed. Aborting stops the transfer and keeps its partial files for a resume. */
  pull(
    spec: PullSpec,
    options: { signal: AbortSignal; onProgress: (progress: PullProgress) => void },
  ): Promise<InstallRecord>;
}

/** Structured log lines; pino's logger fits. */
export interface LifecycleLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface Limits {
  /** After the last request, unless the request says otherwise. Default 300,000 (5 minutes). */
  keepAliveMs: number;
  /** Requests waiting per model, running ones not counted. Default 512. */
  maxQueue: number;
  /** Models in memory at once; 0 is no limit. Default 3. */
  maxLoadedModels: number;
  /** Requests running at once per model, and the engine's sequences. Default 4. */
  numParallel: number;
  /** A load without progress for so long is given up. Default 300,000. */
  loadTimeoutMs: number;
  /** How long an answer may wait for its reader; at most 10,000 while others want its place. Default 60,000. */
  unreadMs: number;
  /** Tokens; for loads that ask for none. Default: the engine chooses. */
  contextLength?: number;
  /** Passed to the engine with every load. */
  device?: 'auto' | 'cpu' | `cuda:${number}` | 'metal';
  threads?: number;
}

export const DEFAULT_LIMITS: Limits = {
  keepAliveMs: 300_000,
  maxQueue: 512,
  maxLoadedModels: 3,
  numParallel: 4,
  loadTimeoutMs: 300_000,
  unreadMs: 60_000,
};

export const SILENT_LOG: LifecycleLog = { info: () => {}, warn: () => {} };
