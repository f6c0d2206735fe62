/** The records of the model store. Written to disk as JSON manifests, validated with zod when read back. */

/** `[host/][namespace/]model[:tag]`; host `hf.co` and tag `latest` are the defaults, `local` is the host of imports. */
export interface ModelName {
  host: string;
  namespace: string;
  model: string;
  tag: string;
}

/** Where a model came from. */
export interface ModelOrigin {
  /** `huggingface`, `ollama`, `oci`, `modelscope`, `https`, `local`, `bundled`; a source of a later version may have another. */
  scheme: string;
  /** What the source calls it: `owner/repo`, `registry/namespace/name`, a URL, or the absolute path that was imported. */
  reference: string;
  revision: Revision;
}

export interface Revision {
  /** What was asked for: a branch, tag or commit. */
  branch: string;
  /** What that was at the time: 40 hex digits of a commit, or `sha256:…` of a registry's manifest. Absent where nothing tells. */
  resolvedCommit?: string;
}

/** What a part of a model is to the whole. */
export type ComponentRole = 'model' | 'projector' | 'text-encoder' | 'vae' | 'vocoder' | 'adapter' | 'draft';

export interface Component {
  role: ComponentRole;
  /** Below the model's folder, `/`-separated: a file (the first of its shards), or `.` for the folder itself. */
  path: string;
  format: 'gguf' | 'safetensors';
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
  source: ModelOrigin;
  /** The files. Those with the same bytes share a blob, in one model as between models. */
  artifacts: Artifact[];
  /** What the files are to the model; the first of a role counts where there can be only one. */
  components: Component[];
  /** Folder that holds the files under their readable names. */
  localPath: string;
  /** ISO 8601, UTC. */
  installedAt: string;
  /** sha256 of the manifest's artifacts and profile, 64 hex digits: the id that clients see. */
  digest: string;
  sizeBytes: number;
  /** Tokens: the window that this name is loaded with where a request asks for none. */
  contextLength?: number;
  profile?: ModelProfile;
}
