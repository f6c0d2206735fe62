import type { Config, SettingKey } from '../../config/index.ts';
import type { DeviceInfo } from '../../inference/index.ts';
import type { Models } from '../../lifecycle/index.ts';

/** What the management routes need besides the models; the daemon wires it. */
export interface ManagementDeps {
  models: Models;
  store: ModelStorePort;
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
  gc(dryRun: boolean): Promise<{ removed: { path: string; size: number }[]; freedBytes: number }>;
  /** Gives the display name of what was installed. */
  import(
    path: string,
    options: { name?: string; copy: boolean; signal: AbortSignal },
  ): Promise<{ name: string; method: string }>;
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
