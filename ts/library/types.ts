/** The records of the model store. Written to disk as JSON manifests, validated with zod when read back. */

/** `[host/][namespace/]model[:tag]`; host `hf.co` and tag `latest` are the defaults, `local` is the host of imports. */
export interface ModelName {
  host: string;
  namespace: string;
  model: string;
  tag: string;
}

export interface ModelRef {
  provider: 'huggingface' | 'local' | 'bundled';
  /** `owner/repo`, or the absolute path that was imported. */
  repo: string;
  kind: 'gguf' | 'safetensors';
}

export interface Revision {
  branch: string;
  /** 40 hex digits; absent for local imports. */
  resolvedCommit?: string;
}

export interface Artifact {
  /** Path inside the model's folder, `/`-separated. */
  filename: string;
  size: number;
  /** 64 hex digits, lower case. */
  sha256: string;
  format: 'gguf' | 'safetensors' | 'json' | 'text' | 'other';
}

/** What a created model says besides its files; it beats what the files say. */
export interface ModelProfile {
  /** Display name of the model it was made from. */
  parent?: string;
  /** A Jinja chat template, or a Go template of Ollama. */
  template?: string;
  /** Stands in front of chats that bring no system message. */
  system?: string;
  /** Under Ollama's option names. */
  parameters?: Record<string, number | string | boolean | string[]>;
  /** Stand in front of every chat. */
  messages?: { role: 'system' | 'user' | 'assistant'; content: string }[];
  license?: string[];
  /** The oldest version of Ollama's API that the model is meant for. */
  requires?: string;
  /** Names of Ollama's own code for prompts and answers. Kept for those who read the model; the template is what is used. */
  renderer?: string;
  parser?: string;
}

export interface InstallRecord {
  name: ModelName;
  modelRef: ModelRef;
  revision: Revision;
  artifacts: Artifact[];
  /** Folder that holds the files under their readable names. */
  localPath: string;
  /** What the engine opens: the (first) GGUF file or the safetensors folder. */
  enginePath: string;
  /** ISO 8601, UTC. */
  installedAt: string;
  /** sha256 of the manifest's artifacts and profile, 64 hex digits: the id that clients see. */
  digest: string;
  sizeBytes: number;
  /** Tokens: the window that this name is loaded with where a request asks for none. */
  contextLength?: number;
  profile?: ModelProfile;
}
