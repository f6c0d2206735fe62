import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TEMPORARY_PREFIX } from './atomic-file.ts';
import { readLeases } from './leases.ts';
import { isLockHeld } from './lock-file.ts';
import { isManaged } from './manifest.ts';
import type { StoreLayout } from './store-layout.ts';
import type { InstallRecord } from './types.ts';

export interface GcReport {
  removed: { path: string; size: number }[];
  freedBytes: number;
}

/** Removes what a model leaves behind when its manifest is gone. Needs the store's lock. Returns the bytes freed on disk. */
export async function removeFiles(
  gone: InstallRecord,
  remaining: readonly InstallRecord[],
  layout: StoreLayout,
): Promise<number> {
  if (!isManaged(gone, layout)) return 0;
  let freed = 0;
  if (!remaining.some(({ localPath }) => localPath === gone.localPath)) {
    freed += (await removeTree(gone.localPath, false)).freedBytes;
    await removeEmptyParents(dirname(gone.localPath), layout.files);
  }
  const { leased } = await readLeases(layout);
  const needed = neededBlobs(remaining, layout);
  for (const { sha256 } of gone.artifacts) {
    if (!needed.has(sha256) && !leased.has(sha256)) freed += await removeFile(layout.blob(sha256), false);
  }
  return freed;
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
  const report: GcReport = { removed: [], freedBytes: 0 };
  const drop = async (path: string) => {
    const { size, freedBytes } = await removeTree(path, options.dryRun);
    report.removed.push({ path, size });
    report.freedBytes += freedBytes;
  };
  const { leased, stale } = await readLeases(layout);
  for (const path of stale) await removeFile(path, options.dryRun);
  if (!options.keepInstalled) {
    const folders = new Set(records.map(({ localPath }) => localPath));
    for (const folder of await modelFolders(layout.files)) if (!folders.has(folder)) await drop(folder);
    const needed = neededBlobs(records, layout);
    for (const file of await list(layout.blobs)) {
      const sha256 = /^sha256-([0-9a-f]{64})$/.exec(file)?.[1];
      if (sha256 === undefined || (!needed.has(sha256) && !leased.has(sha256))) await drop(join(layout.blobs, file));
    }
  }
  for (const path of await stalePartials(layout, options.partialAgeMs)) await drop(path);
  for (const folder of [layout.files, layout.manifests, layout.leases]) {
    for (const file of await list(folder)) if (file.startsWith(TEMPORARY_PREFIX)) await drop(join(folder, file));
  }
  if (!options.dryRun) await removeEmptyFolders(layout.files, 4);
  return report;
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

async function removeTree(path: string, dryRun: boolean): Promise<{ size: number; freedBytes: number }> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return { size: 0, freedBytes: 0 };
  if (!found.isDirectory()) return { size: found.size, freedBytes: await removeFile(path, dryRun) };
  const total = { size: 0, freedBytes: 0 };
  for (const file of await list(path)) {
    const part = await removeTree(join(path, file), dryRun);
    total.size += part.size;
    total.freedBytes += part.freedBytes;
  }
  if (!dryRun) await rm(path, { recursive: true, force: true });
  return total;
}

/** Bytes on disk that go with the file: none while another name (a blob, the Hugging Face cache) still holds them. */
async function removeFile(path: string, dryRun: boolean): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return 0;
  if (!dryRun) await rm(path, { force: true });
  return found.nlink > 1 ? 0 : found.size;
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
