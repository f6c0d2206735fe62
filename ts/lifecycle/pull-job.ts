import { OmgError } from '../errors/index.ts';
import type { InstallRecord } from '../library/index.ts';
import type { PullProgress } from '../sources/index.ts';
import type { Clock } from './clock.ts';
import type { EventStream } from './event-stream.ts';
import type { Puller } from './ports.ts';
import type { PullJob, PullSpec, PullState } from './types.ts';

/** Watchers and the events stream hear of progress at most this often. */
const PROGRESS_EVERY_MS = 60;

export interface PullDeps {
  puller: Puller;
  clock: Clock;
  events: EventStream;
  onInstalled: (record: InstallRecord) => void;
}

/** One transfer with any number of watchers. */
export class RunningPull implements PullJob {
  readonly id: string;
  readonly model: string;
  /** Resolves when the pull has ended, whatever came of it. */
  readonly ended: Promise<void>;
  endedAtMs: number | undefined;
  readonly #clock: Clock;
  readonly #events: EventStream;
  readonly #abort = new AbortController();
  readonly #wakeups = new Set<() => void>();
  #progress: PullProgress = { status: 'waiting', totalBytes: 0, completedBytes: 0, files: [] };
  #version = 0;
  #status: PullState['status'] = 'downloading';
  #error: OmgError | undefined;
  #watchers = 0;
  #detached = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #cancelTell: (() => void) | undefined;

  /** @param after a cancelled pull of the same files that has not let go of them yet. */
  constructor(id: string, spec: PullSpec, deps: PullDeps, after?: Promise<void>) {
    this.id = id;
    this.model = spec.model;
    this.#clock = deps.clock;
    this.#events = deps.events;
    this.ended = this.#run(spec, deps, after);
  }

  get cancelling(): boolean {
    return this.#abort.signal.aborted;
  }

  get state(): PullState {
    return {
      status: this.#status,
      progress: this.#progress,
      ...(this.#error === undefined
        ? {}
        : {
            error: {
              code: this.#error.code,
              message: this.#error.message,
              ...(this.#error.hint === undefined ? {} : { hint: this.#error.hint }),
            },
          }),
    };
  }

  watch(signal?: AbortSignal): AsyncIterable<PullProgress> {
    return {
      [Symbol.asyncIterator]: () => {
        // Counted as the loop begins, before its first step is awaited: the job cannot lose its last watcher in between.
        this.#watchers += 1;
        return this.#watch(signal);
      },
    };
  }

  detach(): void {
    this.#detached = true;
  }

  async cancel(): Promise<void> {
    this.#abort.abort();
    await this.ended;
  }

  async #run(spec: PullSpec, { puller, onInstalled }: PullDeps, after?: Promise<void>): Promise<void> {
    try {
      await after;
      this.#abort.signal.throwIfAborted();
      const record = await puller.pull(spec, {
        signal: this.#abort.signal,
        onProgress: (progress) => this.#report(progress),
      });
      this.#status = 'success';
      this.#progress = { ...this.#progress, status: 'success', completedBytes: this.#progress.totalBytes };
      onInstalled(record);
    } catch (error) {
      this.#error = this.#abort.signal.aborted
        ? new OmgError('cancelled', 'The pull was cancelled.', {
            hint: 'Pull again to go on where it stopped.',
            cause: error,
          })
        : OmgError.from(error);
      this.#status = this.#abort.signal.aborted ? 'cancelled' : 'error';
    }
    this.endedAtMs = this.#clock.now();
    this.#tell();
    this.#events.publish({
      type: 'download.done',
      model: this.model,
      ...(this.#error === undefined ? {} : { error: { code: this.#error.code, message: this.#error.message } }),
    });
  }

  #report(progress: PullProgress): void {
    // `success` is said once the record is in the store.
    if (progress.status === 'success' || this.#status === 'cancelled') return;
    const newStep = progress.status !== this.#progress.status;
    this.#progress = progress;
    this.#status = progress.status === 'verifying' || progress.status === 'installing' ? 'verifying' : 'downloading';
    const waitMs = this.#toldAtMs + PROGRESS_EVERY_MS - this.#clock.now();
    if (newStep || waitMs <= 0) this.#tell();
    else this.#cancelTell ??= this.#clock.timer(waitMs, () => this.#tell());
  }

  #tell(): void {
    this.#cancelTell?.();
    this.#cancelTell = undefined;
    this.#toldAtMs = this.#clock.now();
    this.#version += 1;
    this.#events.publish({ type: 'download.progress', model: this.model, progress: this.#progress });
    for (const wake of this.#wakeups) wake();
  }

  async *#watch(signal: AbortSignal | undefined): AsyncGenerator<PullProgress> {
    try {
      let seen = -1;
      for (;;) {
        if (signal?.aborted) throw new OmgError('cancelled', 'The request was cancelled.');
        if (seen !== this.#version) {
          seen = this.#version;
          if (this.#error !== undefined) throw this.#error;
          yield this.#progress;
          continue;
        }
        if (this.#status === 'success') return;
        await this.#change(signal);
      }
    } finally {
      this.#watchers -= 1;
      if (this.#watchers === 0 && !this.#detached && this.endedAtMs === undefined) this.#abort.abort();
    }
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wakeups.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#wakeups.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }
}
