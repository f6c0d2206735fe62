import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { OmgError } from '../errors/index.ts';

const CHUNK = 64 * 1024;
const POLL_MS = 200;

/** The last lines of a file, read from its end, and the size up to which it was read. Throws `not_found`. */
export async function lastLines(path: string, count: number): Promise<{ lines: string[]; size: number }> {
  const file = await openLog(path);
  try {
    const { size } = await file.stat();
    let text = Buffer.alloc(0);
    let start = size;
    while (start > 0 && newlines(text) <= count) {
      const from = Math.max(0, start - CHUNK);
      text = Buffer.concat([await readRange(file, from, start), text]);
      start = from;
    }
    const lines = text.toString('utf8').split('\n');
    if (lines.at(-1) === '') lines.pop();
    return { lines: count === 0 ? [] : lines.slice(-count), size };
  } finally {
    await file.close();
  }
}

/** Calls `onLine` for each line that is added after `from` until the signal aborts. A file that starts anew is read from its start. */
export async function followFile(
  path: string,
  from: number,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let position = from;
  let rest = Buffer.alloc(0);
  while (!signal.aborted) {
    const size = await stat(path).then(
      (found) => found.size,
      () => position,
    );
    if (size < position) [position, rest] = [0, Buffer.alloc(0)];
    if (size > position) {
      const file = await openLog(path);
      try {
        const added = Buffer.concat([rest, await readRange(file, position, size)]);
        const end = added.lastIndexOf(0x0a) + 1;
        for (const line of added.toString('utf8', 0, end).split('\n').slice(0, -1)) onLine(line);
        rest = added.subarray(end);
        position = size;
      } finally {
        await file.close();
      }
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

async function readRange(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.alloc(to - from);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
  return buffer.subarray(0, bytesRead);
}

function newlines(text: Buffer): number {
  let found = 0;
  for (const byte of text) if (byte === 0x0a) found += 1;
  return found;
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT')
      throw new OmgError('permission_denied', `${path} cannot be read (${code}).`, { cause: error });
    throw new OmgError('not_found', `There is no log at ${path} yet.`, { hint: 'Start the daemon: `omg serve -d`.' });
  }
}
