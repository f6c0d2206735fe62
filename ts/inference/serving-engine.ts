/** Everything that can serve a model; there is no other list. */
export const ENGINE_KINDS = ['native', 'llama-server'] as const;
export type EngineKind = (typeof ENGINE_KINDS)[number];

/** `engine`: the engine does it. `gateway`: it is done in front of the engine. `no`: it is refused. */
export type DoneBy = 'engine' | 'gateway' | 'no';

/** What the instance that serves a model can do: found out at its start, never guessed from its kind. */
export interface EngineCapabilities {
  /** What a prompt is sent as. */
  prompt: 'tokens' | 'messages';
  jsonSchema: DoneBy;
  /** Regular expressions and Lark. */
  grammar: DoneBy;
  logprobs: DoneBy;
  promptLogprobs: DoneBy;
  /** The same seed and prompt give the same tokens, alone or beside others. */
  batchInvariant: boolean;
}

/** Which engine serves a loaded model. */
export interface ServingEngine {
  kind: EngineKind;
  /** As the engine says it. */
  version: string;
  capabilities: EngineCapabilities;
}

export const NATIVE_CAPABILITIES: EngineCapabilities = {
  prompt: 'tokens',
  jsonSchema: 'engine',
  grammar: 'engine',
  logprobs: 'engine',
  promptLogprobs: 'engine',
  batchInvariant: true,
};
