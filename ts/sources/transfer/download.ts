import { type FileHandle, open, stat } from 'node:fs/promises';
import { OmgError } from '../../errors/index.ts';
import { FileHasher, hashFile, type ModelOrigin } from '../../library/index.ts';
import type { RemoteFile } from '../types.ts';
import { connectionLost, dropBody, type HttpAnswer } from './http.ts';
import { Journal } from './journal.ts';
import { beginningOf, type Extent, readExtent } from './read-extent.ts';
import { type RetryPolicy, TransientError, withRetries } from './retry.ts';
import type { Semaphore } from './semaphore.ts';

export interface TransferSettings {
  /** Requests at once over all files of a pull. */
  connections: number;
  /** Files of at least this size are fetched in ranges, several at once. */
  rangeThresholdBytes: number;
  rangeBytes: number;
  /** Bytes are written, and noted in the journal, in portions of this size: what a `kill -9` can lose per connection. */
  flushBytes: number;
  /** Headers are read in pieces that begin with this size. */
  headBytes: number;
  retry: RetryPolicy;
}

/** A range of a file, or all of it. */
export interface FileRequest {
  /** Of the header `Range`; absent: the whole file. */
  range?: string;
  /** Where an earlier answer for the same file came from; its addresses end after a while. */
  location?: string;
  signal?: AbortSignal;
}

/** Opens a file of a remote model. Throws for every answer but 200 and 206, and `RemoteChangedError` for another file than the one meant. */
export type OpenFile = (file: RemoteFile, request: FileRequest) => Promise<HttpAnswer>;

export interface DownloadSource {
  origin: ModelOrigin;
  open: OpenFile;
  permits: Semaphore;
  settings: TransferSettings;
}

const SMALL_BYTES = 1 << 20;

/** The hub gives another file than the one it told of before. */
export class RemoteChangedError extends Error {
  override readonly name = 'RemoteChangedError';
}

/**
 * Brings the missing bytes of one file into `path`, going on where an earlier try has stopped, and hashes them on the way.
 * What has arrived is on disk and in the journal whatever ends the download.
 */
export class Download {
  readonly #source: DownloadSource;
  readonly #file: RemoteFile;
  readonly #signal: AbortSignal;
  readonly #onBytes: (completed: number) => void;
  /** Where the hub sent us; its addresses end after a while. */
  #location: string | undefined;
  #queue: [number, number][] = [];
  /** What a host sends beyond the range that was asked for is not taken. */
  #headOnly = false;
  readonly #probe = Promise.withResolvers<void>();

  constructor(source: DownloadSource, file: RemoteFile, signal: AbortSignal, onBytes: (completed: number) => void) {
    this.#source = source;
    this.#file = file;
    this.#signal = signal;
    this.#onBytes = onBytes;
    this.#probe.promise.catch(() => {});
  }

  /** Resolves to the sha256 when the file is whole, on disk and read once. `onWhole` is called when only hashing is left. */
  async run(path: string, journalPath: string, onWhole: () => void): Promise<string> {
    const { size } = this.#file;
    const found = await stat(path).catch(() => undefined);
    const resumes = found?.size === size;
    const journal = await Journal.open(journalPath, size, resumes);
    const target = await open(path, resumes ? 'r+' : 'w').catch(async (error: unknown) => {
      await journal.close();
      throw error;
    });
    let hasher: FileHasher | undefined;
    try {
      await target.truncate(size);
      this.#onBytes(journal.ranges.bytes);
      // A thread of its own pays for files that take a while to read.
      hasher = size > SMALL_BYTES ? new FileHasher(path) : undefined;
      hasher?.advance(journal.ranges.frontier);
      await this.#fetchMissing(target, journal, hasher);
      await target.datasync();
      onWhole();
      return await (hasher === undefined
        ? hashFile(path, { signal: this.#signal })
        : hasher.finish(size, this.#signal));
    } finally {
      await Promise.all([target.close(), journal.close(), hasher?.stop()]);
    }
  }

  /**
   * Brings the beginning of the file, longer until `extent` asks for no more than there is, and returns it. It stays in `path` and the
   * journal, where `run` goes on behind it.
   */
  async head(path: string, journalPath: string, extent: Extent): Promise<Buffer> {
    const { size } = this.#file;
    const resumes = (await stat(path).catch(() => undefined))?.size === size;
    const journal = await Journal.open(journalPath, size, resumes);
    const target = await open(path, resumes ? 'r+' : 'w+').catch(async (error: unknown) => {
      await journal.close();
      throw error;
    });
    this.#headOnly = true;
    try {
      await target.truncate(size);
      this.#onBytes(journal.ranges.bytes);
      return await readExtent(extent, { size, firstBytes: this.#source.settings.headBytes }, async (end) => {
        await this.#source.permits.run(() => this.#fetchRange(0, end, target, journal, undefined));
        return beginningOf(target, end);
      });
    } finally {
      this.#headOnly = false;
      await Promise.all([target.close(), journal.close()]);
    }
  }

  async #fetchMissing(target: FileHandle, journal: Journal, hasher: FileHasher | undefined): Promise<void> {
    const { settings, permits } = this.#source;
    const inRanges = this.#file.size >= settings.rangeThresholdBytes;
    this.#queue = journal.ranges.missing(this.#file.size);
    if (inRanges) this.#queue = this.#queue.flatMap(([start, end]) => split(start, end, settings.rangeBytes));
    const work = async (worker: number) => {
      // Whether the host knows ranges shows with the first answer; until then one connection is enough.
      if (worker > 0) await this.#probe.promise;
      for (let range = this.#queue.shift(); range !== undefined; range = this.#queue.shift()) {
        const [start, end] = range;
        await permits.run(() => this.#fetchRange(start, end, target, journal, hasher));
      }
      this.#probe.resolve();
    };
    const workers = Array.from({ length: inRanges ? settings.connections : 1 }, (_, worker) =>
      work(worker).catch((error: unknown) => {
        this.#queue.length = 0;
        this.#probe.reject(error);
        throw error;
      }),
    );
    // All of them have let go of the file before an error goes on.
    const results = await Promise.allSettled(workers);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #fetchRange(
    start: number,
    end: number,
    target: FileHandle,
    journal: Journal,
    hasher: FileHasher | undefined,
  ): Promise<void> {
    const last = { end };
    await withRetries(
      this.#source.settings.retry,
      async (madeProgress) => {
        const from = journal.ranges.nextMissing(start);
        if (from >= last.end) return;
        const answer = await this.#open(from, last);
        this.#probe.resolve();
        await this.#receive(answer, from, last.end, async (chunks, at) => {
          const written = await writeFully(target, chunks, at);
          await journal.add(at, at + written);
          hasher?.advance(journal.ranges.frontier);
          this.#onBytes(journal.ranges.bytes);
          madeProgress();
        });
      },
      this.#signal,
    );
  }

  /** Asks for a range and checks that the answer is that range of that file. A host that sends it all gives the rest, too. */
  async #open(from: number, last: { end: number }): Promise<HttpAnswer> {
    const { size } = this.#file;
    const whole = from === 0 && last.end === size;
    const answer = await this.#source
      .open(this.#file, {
        range: whole ? undefined : `bytes=${from}-${last.end - 1}`,
        location: this.#location,
        signal: this.#signal,
      })
      .catch((error: unknown) => {
        this.#location = undefined;
        throw error;
      });
    try {
      checkExtent(answer, from, size);
    } catch (error) {
      await dropBody(answer.body);
      throw error;
    }
    if (!answer.fromHub) this.#location = answer.url;
    if (answer.status === 200 && !this.#headOnly) {
      last.end = size;
      this.#queue.length = 0;
    }
    return answer;
  }

  /** Reads a body that begins at `from` (or at 0, when ranges are not known) and hands on what lies before `end`. */
  async #receive(
    answer: HttpAnswer,
    from: number,
    end: number,
    flush: (chunks: Buffer[], at: number) => Promise<void>,
  ): Promise<void> {
    let at = from;
    let skip = answer.status === 200 ? from : 0;
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    const flushPending = async () => {
      if (pendingBytes === 0) return;
      const chunks = pending;
      pending = [];
      await flush(chunks, at);
      at += pendingBytes;
      pendingBytes = 0;
    };
    try {
      for await (const received of answer.body as AsyncIterable<Buffer>) {
        const chunk = received.subarray(Math.min(skip, received.length), skip + end - at - pendingBytes);
        skip = Math.max(0, skip - received.length);
        if (chunk.length > 0) pending.push(chunk);
        pendingBytes += chunk.length;
        if (pendingBytes >= this.#source.settings.flushBytes) await flushPending();
        if (at + pendingBytes >= end) break;
      }
    } catch (error) {
      // What has arrived is kept, unless it is the disk that failed.
      if (!isNetworkError(error)) throw error;
      await flushPending();
      this.#signal.throwIfAborted();
      this.#location = undefined;
      throw connectionLost(new URL(answer.url).host, error);
    } finally {
      answer.body.on('error', () => {});
      answer.body.destroy();
    }
    await flushPending();
    if (at < end) throw connectionLost(new URL(answer.url).host, new Error('the connection was cut'));
  }
}

function checkExtent({ status, headers }: HttpAnswer, from: number, size: number): void {
  const matches =
    status === 206
      ? new RegExp(`^bytes ${from}-\\d+/(?:${size}|\\*)$`).test(headers['content-range'] ?? '')
      : (headers['content-length'] ?? String(size)) === String(size);
  if (!matches) {
    throw new TransientError(new OmgError('hub_error', 'The hub sends another part of the file than was asked for.'));
  }
}

async function writeFully(target: FileHandle, chunks: Buffer[], at: number): Promise<number> {
  const bytes = chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
  for (let done = 0; done < bytes.length; ) {
    done += (await target.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
  return bytes.length;
}

/** Errors of the file system have a system call; those of undici and of sockets that were cut do not come from `write`. */
function isNetworkError(error: unknown): boolean {
  const { syscall } = error as NodeJS.ErrnoException;
  return !(error instanceof OmgError) && (syscall === undefined || /^(?:read|connect|getaddrinfo)$/.test(syscall));
}

function split(start: number, end: number, bytes: number): [number, number][] {
  const parts: [number, number][] = [];
  for (let at = start; at < end; at += bytes) parts.push([at, Math.min(at + bytes, end)]);
  return parts;
}
