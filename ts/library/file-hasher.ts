import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { openRegular } from './stranger-file.ts';

/** Files up to this size are hashed where the caller is; starting a thread takes longer. */
const INLINE_BYTES = 1 << 20;

/**
 * Hashes a file in a thread while it is still being written: `advance` tells how far it is whole, so that at the end little is
 * left to read and what is read is still in the page cache.
 */
export class FileHasher {
  readonly #worker: Worker;
  readonly #result: Promise<string>;
  #onHashed: ((bytes: number) => void) | undefined;

  constructor(path: string, onHashed?: (bytes: number) => void) {
    this.#onHashed = onHashed;
    this.#worker = new Worker(`(${hashInThread.toString()})()`, {
      eval: true,
      workerData: path,
      // None of the flags of the process (loaders, inspectors) are for this thread.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 },
    });
    this.#worker.unref();
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#worker.on('message', (message: ThreadAnswer) => {
      if ('hashed' in message) this.#onHashed?.(message.hashed);
      else if ('sha256' in message) resolve(message.sha256);
      else reject(Object.assign(new Error(message.error), { code: message.code, path }));
    });
    this.#worker.on('error', reject);
    this.#worker.on('exit', () => reject(new Error('the hashing thread ended early')));
    // A hasher that is stopped is not asked for its result.
    promise.catch(() => {});
    this.#result = promise;
  }

  /** The first `bytes` bytes are on disk and will not change. */
  advance(bytes: number): void {
    this.#worker.postMessage({ upTo: bytes, last: false } satisfies ThreadOrder);
  }

  /** The sha256 of the first `bytes` bytes, 64 hex digits. */
  async finish(bytes: number, signal?: AbortSignal): Promise<string> {
    this.#worker.ref();
    this.#worker.postMessage({ upTo: bytes, last: true } satisfies ThreadOrder);
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      signal?.throwIfAborted();
      return await Promise.race([this.#result, promise]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      await this.stop();
    }
  }

  async stop(): Promise<void> {
    this.#onHashed = undefined;
    await this.#worker.terminate();
  }
}

/** The sha256 of a regular file, 64 hex digits, without holding up the event loop. */
export async function hashFile(
  path: string,
  options: { signal?: AbortSignal; onHashed?: (bytes: number) => void } = {},
): Promise<string> {
  const { handle, size } = await openRegular(path);
  try {
    if (size > INLINE_BYTES) return await new FileHasher(path, options.onHashed).finish(size, options.signal);
    options.signal?.throwIfAborted();
    const bytes = Buffer.alloc(size);
    let read = 0;
    for (let more = -1; more !== 0 && read < size; read += more) {
      more = (await handle.read(bytes, read, size - read, read)).bytesRead;
    }
    options.onHashed?.(read);
    return createHash('sha256').update(bytes.subarray(0, read)).digest('hex');
  } finally {
    await handle.close();
  }
}

type ThreadOrder = { upTo: number; last: boolean };
type ThreadAnswer = { hashed: number } | { sha256: string } | { error: string; code?: string };

/** Runs in the thread from its own source text, so it works bundled and not; it may use nothing from outside its body. */
function hashInThread(): void {
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
  const { closeSync, constants, fstatSync, openSync, readSync } = process.getBuiltinModule('node:fs');
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
  const buffer = new Uint8Array(4 << 20);
  let file = -1;
  let offset = 0;
  parentPort?.on('message', ({ upTo, last }: ThreadOrder) => {
    try {
      if (file < 0) {
        // It may have been exchanged for a pipe since it was looked at.
        file = openSync(workerData, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
        if (!fstatSync(file).isFile()) throw new Error('it is not a regular file');
      }
      while (offset < upTo) {
        const read = readSync(file, buffer, 0, Math.min(buffer.length, upTo - offset), offset);
        if (read === 0) throw new Error('the file is shorter than expected');
        hash.update(buffer.subarray(0, read));
        offset += read;
        parentPort?.postMessage({ hashed: offset });
      }
      if (!last) return;
      closeSync(file);
      parentPort?.postMessage({ sha256: hash.digest('hex') });
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      parentPort?.postMessage({ error: message, code });
    }
  });
}
