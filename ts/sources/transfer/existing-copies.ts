import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelOrigin } from '../../library/index.ts';
import type { FileOrigin, RemoteFile } from '../types.ts';

/** Folders of other programs that may hold the same files. Absent or empty: not looked at. */
export interface OtherStores {
  /** `hub/` of the Hugging Face cache. */
  huggingFaceCache?: string;
  /** Ollama's models folder. */
  ollamaModels?: string;
}

/** A file elsewhere on this machine that has the right size; its bytes still have to be checked. */
export interface ExistingCopy {
  path: string;
  device: number;
  origin: FileOrigin;
}

/** Finished files in the stores of other programs. Those of the Hugging Face cache are named by their ETag. */
export async function findCopies(stores: OtherStores, origin: ModelOrigin, file: RemoteFile): Promise<ExistingCopy[]> {
  const candidates: [string, FileOrigin][] = [];
  if (stores.huggingFaceCache && origin.scheme === 'huggingface') {
    const folder = join(stores.huggingFaceCache, `models--${origin.reference.replaceAll('/', '--')}`);
    const etag = file.sha256 ?? file.gitSha1;
    if (etag !== undefined) candidates.push([join(folder, 'blobs', etag), 'hugging-face']);
    // On Windows without the right to make links the cache keeps files here only.
    candidates.push([join(folder, 'snapshots', origin.revision.resolvedCommit ?? '', file.filename), 'hugging-face']);
  }
  if (stores.ollamaModels && file.sha256 !== undefined) {
    candidates.push([join(stores.ollamaModels, 'blobs', `sha256-${file.sha256}`), 'ollama']);
  }
  const copies: ExistingCopy[] = [];
  for (const [candidate, origin] of candidates) {
    const path = await realpath(candidate).catch(() => undefined);
    if (path === undefined || copies.some((copy) => copy.path === path)) continue;
    const stats = await stat(path).catch(() => undefined);
    if (stats?.isFile() && stats.size === file.size) copies.push({ path, device: stats.dev, origin });
  }
  return copies;
}
