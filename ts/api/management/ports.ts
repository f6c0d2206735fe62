import type { Config, SettingKey } from '../../config/index.ts';
import type { DeviceInfo } from '../../inference/index.ts';
import type { GcReport } from '../../library/index.ts';
import type { Models, PullSpec } from '../../lifecycle/index.ts';
import type { ModelOutline, RemoteModel } from '../../sources/index.ts';

/** What the management routes need besides the models; the daemon wires it. */
export interface ManagementDeps {
  models: Models;
  store: ModelStorePort;
  /** What a pull would bring. Throws what a pull throws before the weights. */
  previewModel: (spec: PullSpec, signal: AbortSignal) => Promise<RemoteModel>;
  search: (query: string, limit: number, signal: AbortSignal) => Promise<SearchHit[]>;
  /** May start a process the first time. */
  devices: () => Promise<DeviceInfo[]>;
  config: ConfigPort;
  /** What the daemon listens on. */
  endpoint: () => Endpoint;
  /** Begins the graceful stop and returns at once. */
  shutdown: () => void;
}

export interface ModelStorePort {
  /** `partial`: also downloads that have stopped and could go on. */
  gc(options: { dryRun: boolean; partial: boolean }): Promise<GcReport>;
  /** Gives the display name of what was installed. */
  import(path: string, options: ImportRequest): Promise<{ name: string; method: string }>;
  /** The user's short names. Throws `invalid_config` for a file that cannot be understood. */
  aliases(): Promise<{ alias: string; target: string }[]>;
  /** Without a target it is taken out. Returns whether there was one. */
  setAlias(alias: string, target: string | undefined): Promise<boolean>;
  /** What the model at a path is. Throws what an import throws before anything is read. */
  check(path: string): Promise<ModelOutline>;
}

export interface ImportRequest {
  name?: string;
  copy: boolean;
  /** Also what cannot run. */
  force: boolean;
  signal: AbortSignal;
  /** Hashing, or copying and hashing. */
  onProgress: (progress: { completedBytes: number; totalBytes: number }) => void;
}

export interface SearchHit {
  id: string;
  downloads: number;
  likes: number;
  formats: string[];
  gated: boolean;
}

export interface ConfigPort {
  current(): Config;
  /** Writes the user's file and takes over what can change while running; gives the keys that need a restart. */
  update(changes: Record<string, unknown>): Promise<SettingKey[]>;
}

export interface Endpoint {
  host: string;
  port: number;
  url: string;
  socket: string | null;
}
