import type { InstallRecord, Library, ModelName, ModelOrigin } from '../library/index.ts';
import type { FileRequest } from './transfer/download.ts';
import type { HttpAnswer } from './transfer/http.ts';
import type { PushProgress, RemoteFile, RemoteModel, SearchResult } from './types.ts';

/** A model as it was asked for, with every alias resolved. */
export interface Wanted {
  /** As written, or what an alias stands for. */
  text: string;
  /** The name to install under, where an alias was asked for. */
  alias?: ModelName;
  revision?: string;
  quant?: string;
  file?: string;
}

export interface PushOptions {
  library: Library;
  signal?: AbortSignal;
  /** Instead of the credentials that the source has by itself. */
  token?: string;
  onProgress?: (progress: PushProgress) => void;
}

/** A place where models come from. It knows its names, its protocol and its errors; what moves bytes and installs is the same for all. */
export interface ModelSource {
  /** As manifests have it. */
  readonly scheme: string;
  /** Whether a text names something here and nowhere else: by its scheme or its host. */
  claims(text: string): boolean;
  /** What is to be downloaded. Throws `invalid_model_name`, `repo_not_found`, `repo_gated`, `no_model_files`, `unsafe_file_name`, `hub_error`. */
  resolve(wanted: Wanted, signal?: AbortSignal): Promise<RemoteModel>;
  /** Opens a file of a model that was resolved; see `OpenFile`. */
  open(origin: ModelOrigin, file: RemoteFile, request: FileRequest): Promise<HttpAnswer>;
  /** Full-text search, most downloaded first. */
  search?(query: string, limit: number, signal?: AbortSignal): Promise<SearchResult[]>;
  /** Uploads an installed model under a name of this source. */
  push?(record: InstallRecord, target: string, options: PushOptions): Promise<void>;
  /** The same source with another token for everything it is asked. */
  withToken(token: string): ModelSource;
  /** Drops idle connections. */
  close(): Promise<void>;
}
