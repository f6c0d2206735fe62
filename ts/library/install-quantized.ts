import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from './blob-store.ts';
import { hashFile } from './file-hasher.ts';
import { type BlobsInput, withStagedBlobs } from './install-blobs.ts';
import { acquireLock } from './lock-file.ts';
import { displayName } from './names.ts';
import { asStoreChange } from './store-error.ts';
import type { InstallRecord } from './types.ts';

export interface QuantizedInput extends Omit<BlobsInput, 'files'> {
  /** Uploaded blobs by file name, or what the engine opens of an installed model. */
  source: { files: Record<string, string> } | { path: string };
  /** Of the file that is made. */
  filename: string;
}

/** Installs a GGUF file that is made from another one. `make` writes it from one path to the other; what it throws ends the install. */
export async function installQuantized(
  library: BlobStore,
  input: QuantizedInput,
  make: (from: string, to: string) => Promise<void>,
): Promise<InstallRecord> {
  const { source } = input;
  if ('path' in source) return await makeAndInstall(library, input, source.path, make);
  return await withStagedBlobs(library, source.files, ({ path }) => makeAndInstall(library, input, path, make));
}

async function makeAndInstall(
  library: BlobStore,
  { name, filename, profile, contextLength }: QuantizedInput,
  from: string,
  make: (from: string, to: string) => Promise<void>,
): Promise<InstallRecord> {
  return await asStoreChange('write the quantised model', async () => {
    const { layout } = library;
    await mkdir(layout.partial, { recursive: true });
    const key = `quantize-${randomUUID()}`;
    const lock = await acquireLock(join(layout.partial, `${key}.lock`));
    const made = join(layout.partial, `${key}.gguf`);
    try {
      await make(from, made);
      const sha256 = await hashFile(made);
      const { size } = await stat(made);
      const lease = await library.lease([sha256]);
      try {
        await mkdir(layout.blobs, { recursive: true });
        await rename(made, layout.blob(sha256));
        return await library.install({
          name,
          source: { scheme: 'local', reference: displayName(name), revision: { branch: 'local' } },
          artifacts: [{ filename, size, sha256, format: 'gguf' }],
          ...(profile === undefined ? {} : { profile }),
          ...(contextLength === undefined ? {} : { contextLength }),
        });
      } finally {
        await lease.end();
      }
    } finally {
      await rm(made, { force: true });
      await lock.release();
    }
  });
}
