import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OmgError } from '../../errors/index.ts';
import { type Artifact, acquireLock, formatOf, type Lease, type Library, linkOrCopy } from '../../library/index.ts';
import type { RemoteFile } from '../types.ts';
import { Download, type DownloadSource } from './download.ts';
import { findCopies, type OtherStores } from './existing-copies.ts';
import type { ProgressMeter } from './progress-meter.ts';
import { verifiedSha256 } from './verify.ts';

export interface PullContext {
  library: Library;
  source: DownloadSource;
  otherStores: OtherStores;
  lease: Lease;
  meter: ProgressMeter;
  signal: AbortSignal;
  /** Trust no file that is there already before it has been read. */
  force: boolean;
  onWhole: (filename: string) => void;
}

/** How far the downloads of this process are, for pulls that wait for the same file. */
const underWay = new Map<string, number>();
const WATCH_MS = 60;

/** Makes sure that the bytes of a file are a blob of the library: found, adopted from elsewhere, or downloaded. */
export async function obtainFile(context: PullContext, file: RemoteFile): Promise<Artifact> {
  const { library, meter, signal } = context;
  const found = await findInstalled(context, file);
  if (found !== undefined) return found;

  await mkdir(library.layout.partial, { recursive: true });
  await mkdir(library.layout.blobs, { recursive: true });
  const stem = join(library.layout.partial, partialKey(context, file));
  const watch = setInterval(() => meter.completed(file.filename, underWay.get(stem) ?? 0), WATCH_MS);
  const lock = await acquireLock(`${stem}.lock`, { signal, pollMs: 50 }).finally(() => clearInterval(watch));
  try {
    return (
      (await findInstalled(context, file)) ??
      (await adoptCopy(context, file, stem)) ??
      (await download(context, file, stem))
    );
  } finally {
    underWay.delete(stem);
    await lock.release();
  }
}

/** Names partial files by what they will be, so that a file which changed on the hub never goes on from the old one. */
export function partialKey({ source }: Pick<PullContext, 'source'>, { sha256, gitSha1, filename }: RemoteFile): string {
  if (sha256 !== undefined) return sha256;
  if (gitSha1 !== undefined) return `git-${gitSha1}`;
  const { scheme, reference, revision } = source.origin;
  const name = `${scheme}:${reference}@${revision.resolvedCommit ?? revision.branch}/${filename}`;
  return `name-${createHash('sha256').update(name).digest('hex')}`;
}

async function findInstalled(context: PullContext, file: RemoteFile): Promise<Artifact | undefined> {
  const { library, lease, meter, signal, force } = context;
  const candidates: string[] = [];
  if (file.sha256 !== undefined) {
    const path = await library.findBlob(file.sha256, file.size);
    if (path !== undefined) candidates.push(path);
  } else if (file.gitSha1 !== undefined) {
    // Small files are known by another hash than the store's, so those of the same name are tried.
    for (const record of await library.list()) {
      const same = record.artifacts.find(({ filename, size }) => filename === file.filename && size === file.size);
      if (same !== undefined) candidates.push(join(record.localPath, same.filename));
    }
  }
  for (const path of candidates) {
    const trusted = force ? undefined : file.sha256;
    const sha256 = trusted ?? (await verifiedSha256(path, file, signal).catch(ignoreMissing));
    if (sha256 === undefined) continue;
    await lease.add(sha256);
    const blob = library.layout.blob(sha256);
    if ((await stat(blob).catch(() => undefined))?.size !== file.size) {
      await mkdir(library.layout.blobs, { recursive: true });
      await rm(blob, { force: true });
      await linkOrCopy(path, blob);
    }
    meter.cached(file.filename, 'store');
    return artifactOf(file, sha256);
  }
  return undefined;
}

async function adoptCopy(context: PullContext, file: RemoteFile, stem: string): Promise<Artifact | undefined> {
  const { source, otherStores, signal, meter } = context;
  for (const copy of await findCopies(otherStores, source.origin, file)) {
    const staged = `${stem}.adopted`;
    await rm(staged, { force: true });
    try {
      await linkOrCopy(copy.path, staged);
      const sha256 = await verifiedSha256(staged, file, signal);
      if (sha256 === undefined) continue;
      const artifact = await becomeBlob(context, file, staged, sha256);
      meter.cached(file.filename, copy.origin);
      return artifact;
    } catch (error) {
      signal.throwIfAborted();
      // A file of another program that cannot be used is no reason to fail; it is downloaded instead.
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined || code === 'ENOSPC') throw error;
    } finally {
      await rm(staged, { force: true });
    }
  }
  return undefined;
}

async function download(context: PullContext, file: RemoteFile, stem: string): Promise<Artifact> {
  const { source, signal, meter } = context;
  const part = `${stem}.part`;
  const journal = `${stem}.journal`;
  for (let round = 0; round < 2; round++) {
    const transfer = new Download(source, file, signal, (completed) => {
      if (round === 0) meter.resumed(file.filename, completed);
      underWay.set(stem, completed);
      meter.completed(file.filename, completed);
    });
    const sha256 = await transfer.run(part, journal, () => context.onWhole(file.filename));
    const verified = await verifiedSha256(part, file, signal, sha256);
    if (verified !== undefined) {
      const artifact = await becomeBlob(context, file, part, verified);
      await rm(journal, { force: true });
      return artifact;
    }
    // Nothing tells which bytes are wrong, so all of them are fetched again, once.
    await rm(journal, { force: true });
    await rm(part, { force: true });
  }
  throw new OmgError(
    'checksum_mismatch',
    `${file.filename} does not have the checksum that the hub tells, twice in a row.`,
    {
      hint: 'The server, a proxy or the disk changed the bytes. Nothing was installed.',
      detail: { filename: file.filename, expected: file.sha256 ?? file.gitSha1 },
    },
  );
}

async function becomeBlob(
  { library, lease }: PullContext,
  file: RemoteFile,
  path: string,
  sha256: string,
): Promise<Artifact> {
  await lease.add(sha256);
  await rename(path, library.layout.blob(sha256));
  return artifactOf(file, sha256);
}

function artifactOf({ filename, size }: RemoteFile, sha256: string): Artifact {
  return { filename, size, sha256, format: formatOf(filename) };
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (['ENOENT', 'EACCES', 'not_found', 'permission_denied', 'invalid_request'].includes(error.code ?? ''))
    return undefined;
  throw error;
}
