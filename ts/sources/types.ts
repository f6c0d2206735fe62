import type { Component, InstallRecord, Library, ModelFacts, ModelName, ModelOrigin } from '../library/index.ts';

/** What `ts/hub` tells about a pull. One shape for the CLI, the events stream, and every dialect's progress lines. */
export interface PullProgress {
  /** `waiting`: nobody has been asked yet. */
  status: 'waiting' | 'resolving' | 'downloading' | 'verifying' | 'installing' | 'success';
  /** Sum over the files of the pull, bytes. 0 until known. */
  totalBytes: number;
  completedBytes: number;
  files: PulledFile[];
  /** What the headers say, once they have been read. */
  outline?: ModelOutline;
}

/** Where a file was found that did not have to be fetched. */
export type FileOrigin = 'store' | 'hugging-face' | 'ollama';

export interface PulledFile {
  filename: string;
  sha256: string;
  size: number;
  completedBytes: number;
  cached: boolean;
  /** With `cached`. */
  origin?: FileOrigin;
  /** Of `completedBytes`: what an earlier pull had brought; absent: nothing. */
  resumedBytes?: number;
}

/** A model in a line: what it is and what it takes. */
export interface ModelOutline {
  family: string;
  /** Display string such as `8.0B`. */
  parameterSize: string;
  quantization: string;
  /** Absent where memory cannot be planned. */
  memory?: { totalBytes: number; availableBytes: number; fits: boolean };
}

/** Says what a model is by the headers at a path, and throws for one that cannot run. Undefined: nobody can tell. */
export type Judge = (path: string, about: JudgedModel) => Promise<ModelOutline | undefined>;

export interface JudgedModel extends ModelFacts {
  /** As the person called it. */
  name: string;
}

/** What to pull. `revision`, `quant` and `file` win over what the name says. */
export interface PullRequest {
  /** A catalog or user alias, `owner/repo[:quant][@revision]`, `hf.co/…`, or a URL of the hub. */
  model: string;
  /** Branch, tag or commit. */
  revision?: string;
  /** Such as `Q4_K_M`, case-insensitive. */
  quant?: string;
  /** One GGUF file by its path in the repository; its other shards come along. */
  file?: string;
  /** Brings also what cannot run, and asks the hub and checks the files even when the model is installed and current. */
  force?: boolean;
  /** Access token for this pull alone, instead of the hub's own. */
  token?: string;
}

export interface PullOptions {
  library: Library;
  /** Stops the pull at once; what has arrived stays and the next pull goes on from there. */
  signal?: AbortSignal;
  /** Asked before any weights come, unless the pull is forced. */
  judge?: Judge;
  /** Called at most every 60 ms, and for every change of status. */
  onProgress?: (progress: PullProgress) => void;
}

/** One file of a remote model. */
export interface RemoteFile {
  filename: string;
  size: number;
  /** Known from the start for large files only; small ones are hashed as they arrive. */
  sha256?: string;
  /** Of the others: the id of the git blob, 40 hex digits. */
  gitSha1?: string;
}

/** What a pull would bring. */
export interface RemoteModel {
  /** The name the model gets when installed. */
  name: ModelName;
  source: ModelOrigin;
  components: Component[];
  /** The quantisation chosen, for GGUF. */
  quant?: string;
  files: RemoteFile[];
  totalBytes: number;
  /** What the hub says about the model. */
  facts?: ModelFacts;
  /** What its headers say, where a judge has seen them. */
  outline?: ModelOutline;
}

export interface SearchResult {
  id: string;
  downloads: number;
  likes: number;
  formats: ('gguf' | 'safetensors')[];
  gated: boolean;
}

/** How far a push is. */
export interface PushProgress {
  status: 'preparing' | 'uploading' | 'success';
  totalBytes: number;
  completedBytes: number;
  files: PushedFile[];
}

export interface PushedFile {
  filename: string;
  sha256: string;
  size: number;
  completedBytes: number;
  /** The registry had it already. */
  present: boolean;
}

/** The hub as the rest of the product sees it. Implemented by `Hub`. */
export interface ModelHub {
  /**
   * Brings a model into the library. Throws `invalid_model_name`, `repo_not_found`, `repo_gated`, `no_model_files`, `unsafe_file_name`,
   * `disk_full`, what the judge throws, `hub_unreachable`, `hub_error`, `checksum_mismatch`, `cancelled`; nothing is half-installed after any of them.
   */
  pull(request: string | PullRequest, options: PullOptions): Promise<InstallRecord>;
  /** Asks the hub what a pull would bring, without bringing it; with a judge the headers are read, too. Errors as `pull`. */
  resolveRemote(
    request: string | PullRequest,
    library: Library,
    signal?: AbortSignal,
    judge?: Judge,
  ): Promise<RemoteModel>;
  /** Full-text search, most downloaded first. */
  search(query: string, limit: number, signal?: AbortSignal): Promise<SearchResult[]>;
}
