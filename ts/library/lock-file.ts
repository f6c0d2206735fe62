import { randomUUID } from 'node:crypto';
import { type FileHandle, lstat, open, readFile, stat, unlink, utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { OmgError } from '../errors/index.ts';
import { ownIdentity, processState } from './process-identity.ts';

const HEARTBEAT_MS = 5_000;
/** A holder that cannot be looked up, or had no room to say who it is, is taken for dead when its heartbeat is this old. */
const SILENT_MS = 60_000;
/** A lock file that is torn was being written when its process died. */
const TORN_MS = 5_000;

const ownerSchema = z.object({
  id: z.string(),
  pid: z.number().int().positive(),
  hostname: z.string(),
  startedAt: z.string().optional(),
});
type Owner = z.infer<typeof ownerSchema>;

export interface HeldLock {
  release(): Promise<void>;
}

export interface AcquireOptions {
  signal?: AbortSignal;
  /** Throws `conflict` after this long; absent: waits for ever. */
  timeoutMs?: number;
  pollMs?: number;
}

/** Waits within this process, so that the file is fought over by one waiter per process only. */
const queues = new Map<string, Promise<void>>();

/**
 * Takes a lock shared by all processes. It survives `kill -9`: a lock whose process is gone is broken by the next taker. It needs no free space,
 * for what frees some needs it first.
 */
export async function acquireLock(path: string, options: AcquireOptions = {}): Promise<HeldLock> {
  const before = queues.get(path) ?? Promise.resolve();
  const { promise: done, resolve: leave } = Promise.withResolvers<void>();
  const mine = before.then(() => done);
  queues.set(path, mine);
  const release = () => {
    leave();
    if (queues.get(path) === mine) queues.delete(path);
  };
  const deadline = options.timeoutMs === undefined ? Infinity : performance.now() + options.timeoutMs;
  try {
    await waitTurn(path, before, deadline, options.signal);
    const held = await takeFile(path, deadline, options);
    return {
      release: async () => {
        await held.release();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Whether some living process holds the lock now. */
export async function isLockHeld(path: string): Promise<boolean> {
  const found = await inspectLock(path);
  return found !== undefined && !found.stale;
}

async function waitTurn(path: string, before: Promise<void>, deadline: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer =
    deadline === Infinity
      ? undefined
      : setTimeout(() => reject(busy(path, process.pid)), Math.max(0, deadline - performance.now()));
  try {
    await Promise.race([before, promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

async function takeFile(path: string, deadline: number, options: AcquireOptions): Promise<HeldLock> {
  const owner: Owner = { id: randomUUID(), ...(await ownIdentity()) };
  for (;;) {
    options.signal?.throwIfAborted();
    const mine = await createExclusively(path, owner);
    if (mine !== undefined) return heldLock(path, mine);
    const found = await inspectLock(path);
    if (found === undefined) continue;
    if (found.stale) {
      await breakLock(path, found.id);
      continue;
    }
    if (performance.now() > deadline) throw busy(path, found.pid);
    await sleep(options.pollMs ?? 20, undefined, { signal: options.signal });
  }
}

function heldLock(path: string, mine: string): HeldLock {
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    release: async () => {
      clearInterval(heartbeat);
      if ((await inspectLock(path))?.id === mine) await removeQuietly(path);
    },
  };
}

/** @returns the id of the lock that was made; undefined when there is one already. */
async function createExclusively(path: string, owner: Owner): Promise<string | undefined> {
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      return await sign(handle, owner);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // Windows answers EPERM or EBUSY while a deleted file is still open somewhere.
    if (code === 'EEXIST' || (process.platform === 'win32' && (code === 'EPERM' || code === 'EBUSY'))) return undefined;
    throw error;
  }
}

/** Says who holds the lock. On a full disk it stays empty, and its heartbeat alone speaks for it. */
async function sign(handle: FileHandle, owner: Owner): Promise<string> {
  try {
    await handle.writeFile(JSON.stringify(owner));
    return owner.id;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    await handle.truncate(0);
    return unsignedId((await handle.stat()).ino);
  }
}

function unsignedId(inode: number): string {
  return `unsigned-${inode}`;
}

async function inspectLock(path: string): Promise<{ id: string; pid?: number; stale: boolean } | undefined> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile()) throw notALock(path);
    const text = await readFile(path, 'utf8');
    // A time in the future is as wrong as one long ago: a living holder would have set it right with its next heartbeat.
    const age = Math.abs(Date.now() - stats.mtimeMs);
    if (text === '') return { id: unsignedId(stats.ino), stale: age > SILENT_MS };
    const owner = ownerSchema.safeParse(parseJson(text)).data;
    if (owner === undefined) return { id: `torn-${stats.ino}`, stale: age > TORN_MS };
    const state = await processState(owner);
    return { id: owner.id, pid: owner.pid, stale: state === 'dead' || (state === 'unknown' && age > SILENT_MS) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Removes a stale lock. Two processes may find the same lock stale; the right to remove the lock `id` goes to the one that
 * creates a file named after that id, and it looks again before it removes, so a fresh lock is never taken for the stale one.
 */
async function breakLock(path: string, id: string): Promise<void> {
  const right = `${path}.break-${id}`;
  try {
    await (await open(right, 'wx', 0o600)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const age = await stat(right).then(
      ({ mtimeMs }) => Math.abs(Date.now() - mtimeMs),
      () => 0,
    );
    if (age > TORN_MS) await removeQuietly(right);
    await sleep(10);
    return;
  }
  try {
    if ((await inspectLock(path))?.id === id) await removeQuietly(path);
  } finally {
    await removeQuietly(right);
  }
}

async function removeQuietly(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notALock(path: string): OmgError {
  return new OmgError('conflict', `${path} is not a lock file.`, { hint: 'Move it away, and try again.' });
}

function busy(path: string, pid: number | undefined): OmgError {
  return new OmgError('conflict', `Another process holds ${path}${pid === undefined ? '' : ` (pid ${pid})`}.`, {
    hint: 'Wait for it to finish, or end it, and try again.',
  });
}
