import type { InstallInput } from './install.ts';
import type { Lease } from './leases.ts';
import type { StoreLayout } from './store-layout.ts';
import type { InstallRecord } from './types.ts';

/** The library as those see it who put files into it. */
export interface BlobStore {
  readonly layout: StoreLayout;
  /** Newest first. */
  list(): Promise<InstallRecord[]>;
  /** Registers a model whose blobs are in the store, replacing one of the same name. Atomic. */
  install(input: InstallInput): Promise<InstallRecord>;
  /** Keeps blobs that are about to be installed from `gc` and `remove` of any process. */
  lease(sha256: readonly string[]): Promise<Lease>;
  /** A file with these bytes in the store. Absent size: any. */
  findBlob(sha256: string, size?: number): Promise<string | undefined>;
  /** Throws `disk_full` when the disk of the store has less room than that. */
  ensureSpace(neededBytes: number): Promise<void>;
}
