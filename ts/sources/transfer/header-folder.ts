import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { acquireLock, headerExtent, isGguf, isLockHeld, modelPath } from '../../library/index.ts';
import type { Judge, ModelOutline, RemoteFile, RemoteModel } from '../types.ts';
import { Download } from './download.ts';
import { findCopies } from './existing-copies.ts';
import { type PullContext, partialKey } from './obtain-file.ts';
import { beginningOf, type Extent, readExtent } from './read-extent.ts';
import { Semaphore } from './semaphore.ts';

/** What of a pull the headers need. */
export type HeaderContext = Pick<PullContext, 'library' | 'source' | 'otherStores' | 'signal' | 'meter'>;

/** Of a file on this machine. */
const FIRST_BYTES = 1 << 20;
/** Settings and templates are smaller. */
const LARGEST_TEXT = 32 << 20;
/** Read by nobody who looks at headers; that they are there is enough. */
const UNREAD = /(?:^|\/)(?:tokenizer|vocab|added_tokens|preprocessor_config)\.json$/;

/** What the judge says of the headers. Those of a model that it refuses, or that is only looked at, do not stay. */
export async function judgeHeaders(
  context: HeaderContext,
  remote: RemoteModel,
  name: string,
  judge: Judge,
  onlyLooks: boolean,
): Promise<ModelOutline | undefined> {
  const headers = await fetchHeaders(context, remote);
  if (headers === undefined) return undefined;
  let dropped = true;
  try {
    const outline = await judge(headers.path, { ...remote.facts, name });
    dropped = onlyLooks;
    return outline;
  } finally {
    await headers.close(dropped);
  }
}

/** The beginnings of a remote model's files on this disk. */
interface HeaderFolder {
  /** What the engine opens: the files have their names and sizes, and behind their headers nothing but a hole. */
  path: string;
  /** Removes the folder. What was fetched stays for a download, unless it is `dropped`. */
  close(dropped: boolean): Promise<void>;
}

/**
 * Fetches the headers of a model's weights, by range, and the settings beside them. Files that are on this machine are read here. Undefined
 * when another process is downloading one of the files, and so has looked at them already.
 */
async function fetchHeaders(context: HeaderContext, remote: RemoteModel): Promise<HeaderFolder | undefined> {
  const { partial } = context.library.layout;
  await mkdir(partial, { recursive: true });
  const folder = join(partial, `headers-${randomUUID()}`);
  const begun: string[] = [];
  const close = async (dropped: boolean): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    if (dropped) for (const stem of begun) await dropPartial(stem);
  };
  try {
    const places = new Semaphore(context.source.settings.connections);
    const heads = await Promise.all(
      remote.files.map((file) => places.run(() => readHead(context, file, (stem) => begun.push(stem)))),
    );
    if (heads.includes(undefined)) {
      await close(false);
      return undefined;
    }
    for (const [index, file] of remote.files.entries()) {
      const path = join(folder, file.filename);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, heads[index] ?? '');
      const handle = await open(path, 'r+');
      await handle.truncate(file.size).finally(() => handle.close());
    }
    return { path: modelPath({ localPath: folder, components: remote.components }), close };
  } catch (error) {
    await close(false);
    throw error;
  }
}

/** The first bytes of a file from the nearest place that has them. */
async function readHead(
  context: HeaderContext,
  file: RemoteFile,
  onBegun: (stem: string) => void,
): Promise<Buffer | undefined> {
  const { library, source, otherStores, signal, meter } = context;
  const extent = extentOf(file);
  if (extent(Buffer.alloc(0)) === 0) return Buffer.alloc(0);
  const blob = file.sha256 === undefined ? undefined : await library.findBlob(file.sha256, file.size);
  const here = blob ?? (await findCopies(otherStores, source.origin, file))[0]?.path;
  if (here !== undefined) return await readBeginning(here, extent);
  const stem = join(library.layout.partial, partialKey(context, file));
  if (await isLockHeld(`${stem}.lock`)) return undefined;
  const lock = await acquireLock(`${stem}.lock`, { signal, pollMs: 50 });
  try {
    let before: number | undefined;
    const download = new Download(source, file, signal, (completed) => {
      if (before === undefined) {
        before = completed;
        if (completed === 0) onBegun(stem);
        meter.resumed(file.filename, completed);
      }
      meter.completed(file.filename, completed);
    });
    return await download.head(`${stem}.part`, `${stem}.journal`, extent);
  } finally {
    await lock.release();
  }
}

function extentOf({ filename, size }: RemoteFile): Extent {
  if (isGguf(filename) || /\.safetensors$/i.test(filename)) return (bytes) => headerExtent(filename, bytes);
  const isRead = /\.(?:json|jinja)$/i.test(filename) && !UNREAD.test(filename) && size <= LARGEST_TEXT;
  return () => (isRead ? size : 0);
}

async function readBeginning(path: string, extent: Extent): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    return await readExtent(extent, { size, firstBytes: FIRST_BYTES }, async (end) => beginningOf(handle, end));
  } finally {
    await handle.close();
  }
}

/** Unless a download has taken it over since. */
async function dropPartial(stem: string): Promise<void> {
  const lock = await acquireLock(`${stem}.lock`, { timeoutMs: 0 }).catch(() => undefined);
  if (lock === undefined) return;
  await rm(`${stem}.journal`, { force: true });
  await rm(`${stem}.part`, { force: true });
  await lock.release();
}
