import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import type { Library } from './library.ts';
import { acquireLock } from './lock-file.ts';
import { asStoreChange } from './store-error.ts';

/** Uploads that no model uses are kept for a day; more of them than this is no use of it. */
const MOST_KEPT = 10_000;

/**
 * Puts uploaded bytes into the store, hashed while they are written; they appear under their hash whole or not at all. What no model
 * uses by then is `gc`'s after a day. Throws `invalid_request` when the bytes have another hash, `disk_full`, `server_busy` where many are being uploaded or
 * lie unused.
 * @param size bytes to come, where the sender says so.
 */
export async function receiveBlob(
  library: Library,
  sha256: string,
  bytes: AsyncIterable<Uint8Array>,
  size?: number,
): Promise<void> {
  await library.uploads.run(() => receive(library, sha256, bytes, size));
}

async function receive(
  library: Library,
  sha256: string,
  bytes: AsyncIterable<Uint8Array>,
  size: number | undefined,
): Promise<void> {
  await asStoreChange('store the upload', async () => {
    const { layout } = library;
    const kept = await readdir(layout.leases).catch(() => []);
    if (kept.length >= MOST_KEPT) {
      throw new OmgError('server_busy', `${kept.length} uploads wait for a model already.`, {
        hint: 'Make models of them, or wait a day and run `omg gc`.',
      });
    }
    await mkdir(layout.partial, { recursive: true });
    if (size !== undefined) await library.ensureSpace(size);
    const key = `upload-${randomUUID()}`;
    const part = join(layout.partial, `${key}.part`);
    // The lock tells gc of any process that this file is being written.
    const lock = await acquireLock(join(layout.partial, `${key}.lock`));
    try {
      const actual = await writeHashed(part, bytes);
      if (actual !== sha256) {
        throw new OmgError('invalid_request', `digest mismatch, expected "sha256:${sha256}", got "sha256:${actual}"`, {
          hint: 'Send the bytes whose sha256 the path names.',
          detail: { param: 'digest' },
        });
      }
      const lease = await library.lease([sha256]);
      try {
        await mkdir(layout.blobs, { recursive: true });
        await rename(part, layout.blob(sha256));
        await syncFolder(layout.blobs);
      } finally {
        await lease.abandon();
      }
    } finally {
      await rm(part, { force: true });
      await lock.release();
    }
  });
}

async function writeHashed(path: string, bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  try {
    for await (const chunk of bytes) {
      hash.update(chunk);
      for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
