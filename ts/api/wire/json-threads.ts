import { Worker } from 'node:worker_threads';
import { entryFile } from '../../config/index.ts';
import { type ErrorData, OmgError } from '../../errors/index.ts';
import { freeBytes } from './growing-bytes.ts';
import type { ParsedJson } from './json.ts';
import type { JsonBounds } from './json-bounds.ts';
import type { Encoding } from './unpack.ts';

export interface JsonJob {
  bytes: Uint8Array<ArrayBuffer>;
  /** How they are packed, if they are. */
  encoding?: Encoding | undefined;
  /** What they may come to, unpacked. */
  limitBytes: number;
  bounds: JsonBounds;
}

export interface JsonRead {
  parsed: ParsedJson;
  /** Bytes of the JSON, unpacked. */
  size: number;
}

/** The size is what it came to until an error was found. */
export type JsonOutcome = JsonRead | { error: ErrorData; size: number };

interface Waiting extends JsonJob {
  settle: (outcome: JsonOutcome) => void;
  signal: AbortSignal;
}

/** Plain bodies up to this size go past larger ones and those of which nobody knows what they unpack to; a thread that read more ends. */
const MEDIUM_BYTES = 4 * 1024 * 1024;

/**
 * Unpacks and parses JSON off the event loop, in threads that start when first needed. One body of the large ones is in work at a time, because
 * it takes several times its size meanwhile, and its thread ends with it, which gives all of that back.
 */
export class JsonThreads {
  readonly #medium: Line;
  readonly #large: Line;

  constructor({ idleMs = 15_000 } = {}) {
    this.#medium = new Line(idleMs);
    this.#large = new Line(idleMs);
  }

  /** Threads that are there. */
  get size(): number {
    return this.#medium.size + this.#large.size;
  }

  /**
   * Takes the bytes over. The smallest goes first; one whose sender has gone is dropped. Throws as `parseJson` and `unpack`, and
   * `cancelled`.
   */
  async parse(job: JsonJob, signal: AbortSignal): Promise<JsonRead> {
    const line = job.encoding === undefined && job.bytes.length <= MEDIUM_BYTES ? this.#medium : this.#large;
    const outcome = await line.run(job, signal);
    if ('error' in outcome) throw OmgError.fromData(outcome.error);
    return outcome;
  }

  async close(): Promise<void> {
    await Promise.all([this.#medium.close(), this.#large.close()]);
  }
}

/** Jobs that one thread does, one after another. */
class Line {
  readonly #waiting: Waiting[] = [];
  readonly #workerFile = entryFile(import.meta.url, './json-worker.ts', 'json-worker');
  readonly #idleMs: number;
  #thread: JsonThread | undefined;

  /** @param idleMs how long its thread stays for the next job. */
  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  get size(): number {
    return this.#thread === undefined ? 0 : 1;
  }

  run(job: JsonJob, signal: AbortSignal): Promise<JsonOutcome> {
    return new Promise((resolve) => {
      const waiting = {
        ...job,
        signal,
        settle: (outcome: JsonOutcome): void => {
          signal.removeEventListener('abort', leave);
          resolve(outcome);
        },
      };
      const leave = (): void => this.#drop(waiting);
      signal.addEventListener('abort', leave);
      this.#waiting.push(waiting);
      if (signal.aborted) leave();
      this.#next();
    });
  }

  async close(): Promise<void> {
    await this.#thread?.end();
  }

  #next(): void {
    const [first, ...others] = this.#waiting;
    if (first === undefined || this.#thread?.isFree === false) return;
    const job = others.reduce((least, other) => (other.bytes.length < least.bytes.length ? other : least), first);
    this.#waiting.splice(this.#waiting.indexOf(job), 1);
    this.#thread ??= new JsonThread(this.#workerFile, this.#idleMs, () => {
      this.#thread = undefined;
      this.#next();
    });
    void this.#thread.run(job).then((outcome) => {
      job.settle(outcome);
      this.#next();
    });
  }

  #drop(job: Waiting): void {
    const at = this.#waiting.indexOf(job);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    freeBytes(job.bytes.buffer);
    job.settle({ error: { code: 'cancelled', message: 'The client went away while its request waited.' }, size: 0 });
  }
}

class JsonThread {
  isFree = true;
  readonly #worker: Worker;
  readonly #idleMs: number;
  #settle: ((outcome: JsonOutcome) => void) | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** @param onEnd it is gone, with all its memory. */
  constructor(file: URL, idleMs: number, onEnd: () => void) {
    this.#idleMs = idleMs;
    this.#worker = new Worker(file, { name: 'json', env: {} });
    this.#worker.on('message', (outcome: JsonOutcome) => this.#done(outcome));
    this.#worker.on('error', (error) => this.#fail(error instanceof Error ? error.message : String(error)));
    this.#worker.on('exit', () => {
      this.#fail('The thread that parsed the request body has ended.');
      onEnd();
    });
  }

  run({ bytes, encoding, limitBytes, bounds }: JsonJob): Promise<JsonOutcome> {
    clearTimeout(this.#idle);
    this.isFree = false;
    this.#worker.ref();
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#worker.postMessage({ bytes, encoding, limitBytes, bounds } satisfies JsonJob, [bytes.buffer]);
    });
  }

  async end(): Promise<void> {
    clearTimeout(this.#idle);
    // At once, so that it gets no job while it ends.
    this.isFree = false;
    await this.#worker.terminate();
  }

  #done(outcome: JsonOutcome): void {
    this.#worker.unref();
    if (outcome.size > MEDIUM_BYTES) {
      void this.end();
    } else {
      this.isFree = true;
      this.#idle = setTimeout(() => void this.end(), this.#idleMs).unref();
    }
    this.#answer(outcome);
  }

  #fail(message: string): void {
    clearTimeout(this.#idle);
    this.isFree = false;
    this.#answer({ error: { code: 'internal', message }, size: 0 });
  }

  #answer(outcome: JsonOutcome): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(outcome);
  }
}
