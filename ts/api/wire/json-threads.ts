import { Worker } from 'node:worker_threads';
import { entryFile } from '../../config/index.ts';
import { type ErrorData, OmgError } from '../../errors/index.ts';
import { type ParsedJson, takeParsed } from './json.ts';
import type { JsonBounds } from './json-bounds.ts';

export interface JsonJob {
  bytes: Uint8Array<ArrayBuffer>;
  bounds: JsonBounds;
}

export type JsonOutcome = { parsed: ParsedJson } | { error: ErrorData };

interface Waiting extends JsonJob {
  settle: (outcome: JsonOutcome) => void;
  signal: AbortSignal;
}

/** Two let a body of a few MB pass one of the largest. */
const MAX_THREADS = 2;

/** Parses JSON off the event loop, in threads that start when first needed and end when there is nothing to do. */
export class JsonThreads {
  readonly #waiting: Waiting[] = [];
  readonly #threads = new Set<JsonThread>();
  readonly #workerFile = entryFile(import.meta.url, './json-worker.ts', 'json-worker');
  readonly #idleMs: number;

  constructor({ idleMs = 15_000 } = {}) {
    this.#idleMs = idleMs;
  }

  /** Threads that are there. */
  get size(): number {
    return this.#threads.size;
  }

  /** Takes the bytes over. The smallest goes first; one whose sender has gone is dropped. Throws as `parseJson`, and `cancelled`. */
  async parse(bytes: Uint8Array<ArrayBuffer>, bounds: JsonBounds, signal: AbortSignal): Promise<unknown> {
    const outcome = await new Promise<JsonOutcome>((settle) => {
      this.#waiting.push({ bytes, bounds, settle, signal });
      this.#next();
    });
    if ('error' in outcome) throw OmgError.fromData(outcome.error);
    return takeParsed(outcome.parsed);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.end()));
  }

  #next(): void {
    for (const job of this.#waiting.filter(({ signal }) => signal.aborted)) this.#drop(job);
    const [first, ...others] = this.#waiting;
    const thread = first === undefined ? undefined : this.#freeThread();
    if (first === undefined || thread === undefined) return;
    const job = others.reduce((least, other) => (other.bytes.length < least.bytes.length ? other : least), first);
    this.#waiting.splice(this.#waiting.indexOf(job), 1);
    void thread.run(job).then((outcome) => {
      job.settle(outcome);
      this.#next();
    });
  }

  #freeThread(): JsonThread | undefined {
    const free = [...this.#threads].find(({ isFree }) => isFree);
    if (free !== undefined || this.#threads.size >= MAX_THREADS) return free;
    const thread = new JsonThread(this.#workerFile, this.#idleMs, () => this.#threads.delete(thread));
    this.#threads.add(thread);
    return thread;
  }

  #drop(job: Waiting): void {
    this.#waiting.splice(this.#waiting.indexOf(job), 1);
    job.settle({ error: { code: 'cancelled', message: 'The client went away while its request waited.' } });
  }
}

class JsonThread {
  isFree = true;
  readonly #worker: Worker;
  readonly #idleMs: number;
  readonly #onEnd: () => void;
  #settle: (outcome: JsonOutcome) => void = () => {};
  #idle: NodeJS.Timeout | undefined;

  /** @param onEnd it takes no more work. */
  constructor(file: URL, idleMs: number, onEnd: () => void) {
    this.#idleMs = idleMs;
    this.#onEnd = onEnd;
    this.#worker = new Worker(file, { name: 'json', env: {} });
    this.#worker.on('message', (outcome: JsonOutcome) => {
      this.isFree = true;
      this.#worker.unref();
      this.#idle = setTimeout(() => void this.end(), this.#idleMs).unref();
      this.#settle(outcome);
    });
    this.#worker.on('error', (error) => this.#fail(error instanceof Error ? error.message : String(error)));
    this.#worker.on('exit', () => this.#fail('The thread that parsed the request body has ended.'));
  }

  run({ bytes, bounds }: JsonJob): Promise<JsonOutcome> {
    clearTimeout(this.#idle);
    this.isFree = false;
    this.#worker.ref();
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#worker.postMessage({ bytes, bounds } satisfies JsonJob, [bytes.buffer]);
    });
  }

  async end(): Promise<void> {
    clearTimeout(this.#idle);
    // At once, so that it gets no job while it ends.
    this.isFree = false;
    this.#onEnd();
    await this.#worker.terminate();
  }

  #fail(message: string): void {
    clearTimeout(this.#idle);
    this.isFree = false;
    this.#onEnd();
    this.#settle({ error: { code: 'internal', message } });
  }
}
