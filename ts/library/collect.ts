import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TEMPORARY_PREFIX } from '../config/index.ts';
import { FreedSpace } from './freed-space.ts';
import { readLeases } from './leases.ts';
import { isLockHeld } from './lock-file.ts';
import { isManaged } from './manifest.ts';
import type { StoreLayout } from './store-layout.ts';
import type { InstallRecord } from './types.ts';

/** Writing a small file takes no longer. */
const UNFINISHED_MS = 60_000;

export interface GcReport {
  removed: { path: string; size: number }[];
  freedBytes: number;
  /** Downloads that nobody works on and that can go on, with the bytes they hold. */
  unfinished: { count: number; bytes: number };
}

/** Removes what a model leaves behind when its manifest is gone. Needs the store's lock. Returns the bytes freed on disk. */
export async function removeFiles(
  gone: InstallRecord,
  remaining: readonly InstallRecord[],
  layout: StoreLayout,
): Promise<number> {
  if (!isManaged(gone, layout)) return 0;
  const freed = new FreedSpace();
  if (!remaining.some(({ localPath }) => localPath === gone.localPath)) {
    await removeTree(gone.localPath, freed, false);
    await removeEmptyParents(dirname(gone.localPath), layout.files);
  }
  const { living } = await readLeases(layout);
  const needed = neededBlobs(remaining, layout);
  for (const { sha256 } of gone.artifacts) {
    if (!needed.has(sha256) && !living.has(sha256)) await removeTree(layout.blob(sha256), freed, false);
  }
  return freed.bytes;
}

/**
 * Removes blobs and folders that no manifest names, and downloads that no living pull works on and nothing has touched for
 * `partialAgeMs`, so that a stopped pull can still go on. Needs the store's lock. While a
 * manifest is unreadable (`keepInstalled`) blobs and folders stay, since it may be their only reference.
 */
export async function collectGarbage(
  records: readonly InstallRecord[],
  layout: StoreLayout,
  options: { dryRun: boolean; keepInstalled: boolean; partialAgeMs: number },
): Promise<GcReport> {
  const { dryRun, keepInstalled, partialAgeMs } = options;
  const removed: GcReport['removed'] = [];
  const freed = new FreedSpace();
  const drop = async (path: string) => {
    removed.push({ path, size: await removeTree(path, freed, dryRun) });
  };
  const { living, resumable } = await readLeases(layout);
  const kept = new Set(living);
  for (const { path, ageMs, sha256 } of resumable) {
    if (ageMs < partialAgeMs) for (const blob of sha256) kept.add(blob);
    else if (!dryRun) await rm(path, { force: true });
  }
  if (!keepInstalled) {
    const folders = new Set(records.map(({ localPath }) => localPath));
    for (const folder of await modelFolders(layout.files)) if (!folders.has(folder)) await drop(folder);
    const needed = neededBlobs(records, layout);
    for (const file of await list(layout.blobs)) {
      const sha256 = /^sha256-([0-9a-f]{64})$/.exec(file)?.[1];
      if (sha256 === undefined || (!needed.has(sha256) && !kept.has(sha256))) await drop(join(layout.blobs, file));
    }
  }
  const stale = await stalePartials(layout, partialAgeMs);
  for (const path of stale) await drop(path);
  const unfinished = await unfinishedDownloads(layout, new Set(stale));
  for (const folder of [layout.files, layout.manifests]) {
    for (const file of await list(folder)) if (file.startsWith(TEMPORARY_PREFIX)) await drop(join(folder, file));
  }
  // Leases are written without the lock, so one may be on its way.
  for (const file of await list(layout.leases)) {
    const path = join(layout.leases, file);
    const stats = await stat(path).catch(() => undefined);
    const unfinished = file.startsWith(TEMPORARY_PREFIX) && stats !== undefined;
    if (unfinished && Date.now() - stats.mtimeMs > UNFINISHED_MS) await drop(path);
  }
  if (!dryRun) await removeEmptyFolders(layout.files, 4);
  return { removed, freedBytes: freed.bytes, unfinished };
}

function neededBlobs(records: readonly InstallRecord[], layout: StoreLayout): Set<string> {
  const managed = records.filter((record) => isManaged(record, layout));
  return new Set(managed.flatMap(({ artifacts }) => artifacts.map(({ sha256 }) => sha256)));
}

/** Files of `partial/` share the part of their name before the first dot with the lock of the download. */
async function stalePartials(layout: StoreLayout, ageMs: number): Promise<string[]> {
  const keyOf = (file: string) => file.split('.', 1)[0] ?? file;
  const files = await list(layout.partial);
  const kept = new Set<string>();
  for (const file of files) {
    const stats = await stat(join(layout.partial, file)).catch(() => undefined);
    if (stats !== undefined && Date.now() - stats.mtimeMs < ageMs) kept.add(keyOf(file));
  }
  for (const key of new Set(files.map(keyOf))) {
    if (!kept.has(key) && (await isLockHeld(join(layout.partial, `${key}.lock`)))) kept.add(key);
  }
  return files.filter((file) => !kept.has(keyOf(file))).map((file) => join(layout.partial, file));
}

/** Those that stay. A partial file has its whole length from the beginning; what it holds shows in the blocks it takes. */
async function unfinishedDownloads(layout: StoreLayout, dropped: ReadonlySet<string>): Promise<GcReport['unfinished']> {
  const found = { count: 0, bytes: 0 };
  for (const file of await list(layout.partial)) {
    const path = join(layout.partial, file);
    if (!file.endsWith('.part') || dropped.has(path)) continue;
    if (await isLockHeld(path.replace(/\.part$/, '.lock'))) continue;
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined) continue;
    found.count++;
    found.bytes += stats.blocks === undefined ? stats.size : Math.min(stats.size, stats.blocks * 512);
  }
  return found;
}

/** The folders at the depth of `files/<host>/<namespace>/<model>/<tag>-<digest>`. */
async function modelFolders(files: string): Promise<string[]> {
  let folders = (await list(files))
    .filter((file) => !file.startsWith(TEMPORARY_PREFIX))
    .map((file) => join(files, file));
  for (let depth = 0; depth < 3; depth++) {
    const below = await Promise.all(
      folders.map(async (folder) => (await list(folder)).map((file) => join(folder, file))),
    );
    folders = below.flat();
  }
  return folders;
}

/** Removes a file or folder, and tells its size whether or not other names keep the bytes. */
async function removeTree(path: string, freed: FreedSpace, dryRun: boolean): Promise<number> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) {
    if (!dryRun) await rm(path, { force: true });
    freed.remove(stats);
    return stats.size;
  }
  let size = 0;
  for (const file of await list(path)) size += await removeTree(join(path, file), freed, dryRun);
  if (!dryRun) await rm(path, { recursive: true, force: true });
  return size;
}

async function removeEmptyFolders(folder: string, depth: number): Promise<void> {
  if (depth > 0) for (const file of await list(folder)) await removeEmptyFolders(join(folder, file), depth - 1);
  if (depth < 4) await rmdir(folder).catch(() => {});
}

async function removeEmptyParents(folder: string, top: string): Promise<void> {
  for (let at = folder; at.startsWith(top) && at !== top; at = dirname(at)) {
    if (
      !(await rmdir(at).then(
        () => true,
        () => false,
      ))
    )
      return;
  }
}

async function list(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}
