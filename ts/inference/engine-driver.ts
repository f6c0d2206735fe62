import type { LoadedModel, LoadOptions, LoadSpec, ModelHeader, ModelInspector } from './engine.ts';
import type { EngineKind } from './serving-engine.ts';

/** What a driver is given to load: the spec of the model, and what other engines than ours need to be told beforehand. */
export interface EngineLoad extends LoadSpec {
  /** Absent: ours. */
  engine?: EngineKind;
  /** What the model is for, where its engine has to be started for that. */
  capabilities?: ModelHeader['capabilities'];
}

/** Loads models into one kind of engine. A new engine is an implementation of this. */
export interface EngineDriver {
  /**
   * Resolves when the model can answer, not when a port opened. Throws `model_load_failed`, `out_of_memory`, `engine_unavailable`,
   * `unsupported`; every process that was started has ended by then. Aborting ends the load and its process.
   */
  load(spec: EngineLoad, options?: LoadOptions): Promise<LoadedModel>;
  /** Ends every process that it started. Idempotent. */
  close(): Promise<void>;
}

/** Our own engine, which does both. Implemented by runner processes over the addon, and by the stand-in for tests. */
export interface Engine extends ModelInspector, EngineDriver {}
