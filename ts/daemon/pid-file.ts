import { type FileHandle, link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OmgError } from '../errors/index.ts';

/** A pid file without a living socket is taken for one that is just being set up while it is this young. */
const STARTING_MS = 10_000;

export interface PidFile {
  release(): Promise<void>;
}

/**
 * Makes this process the daemon of the home folder. `answers` tells whether a daemon listens there, which settles it where
 * a pid may have been given to another program. Throws `daemon_running`.
 */
export async function takePidFile(path: string, answers: () => Promise<boolean>): Promise<PidFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < 5; attempt++) {
    const content = await create(path);
    if (content !== undefined) return { release: () => releaseOwn(path, content) };
    const found = await inspect(path);
    if (found === undefined) continue;
    const isStarting = found.pid !== undefined && found.ageMs < STARTING_MS;
    if ((found.pid === undefined || isAlive(found.pid)) && (isStarting || (await answers()))) throw running(found.pid);
    await removeStale(path, found.text);
  }
  throw new OmgError('conflict', `${path} cannot be taken: other processes keep changing it.`, { hint: 'Try again.' });
}

/** The pid in the file; undefined when there is none. */
export async function readPid(path: string): Promise<number | undefined> {
  return (await inspect(path))?.pid;
}

/** @returns what the file says; undefined when there is one already. On a full disk it is empty, since space can only be made with a daemon. */
async function create(path: string): Promise<string | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
  const content = `${process.pid}\n`;
  try {
    await handle.writeFile(content);
    return content;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') return '';
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function inspect(path: string): Promise<{ pid?: number; text: string; ageMs: number } | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const pid = Number.parseInt(text, 10);
    const ageMs = Math.abs(Date.now() - mtimeMs);
    return { ...(Number.isNaN(pid) ? {} : { pid }), text, ageMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Two starters may find the same stale file. The one that moves a fresh file by mistake puts it back. */
async function removeStale(path: string, staleText: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}`;
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) !== staleText) await link(aside, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function releaseOwn(path: string, content: string): Promise<void> {
  if ((await inspect(path))?.text === content) await rm(path, { force: true });
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export function running(pid?: number): OmgError {
  return new OmgError(
    'daemon_running',
    `A daemon already runs for this home folder${pid === undefined ? '' : ` (pid ${pid})`}.`,
    {
      hint: 'Use it as it is, or stop it with `omg serve stop`.',
      detail: pid === undefined ? {} : { pid },
    },
  );
}
