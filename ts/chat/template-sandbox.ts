import { Worker } from 'node:worker_threads';
import { entryFile } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import type { RenderJob, RenderOutcome } from './template-runtime.ts';

export interface SandboxOptions {
  /** A render that takes longer is ended with its thread. Default 5,000. */
  timeoutMs?: number;
  /** The thread ends after so long without work. Default 15,000. */
  idleMs?: number;
  /** The worker's file; default the one beside this module, in the sources or in the bundle. */
  workerFile?: URL;
}

/** Templates come with models and are untrusted: they run in a thread with bounded time and memory, started when first needed. */
export class TemplateSandbox {
  readonly #timeoutMs: number;
  readonly #idleMs: number;
  readonly #workerFile: URL;
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: SandboxOptions = {}) {
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    this.#idleMs = options.idleMs ?? 15_000;
    this.#workerFile = options.workerFile ?? entryFile(import.meta.url, './template-worker.ts', 'template-worker');
  }

  /** Throws `template_failed` with the template's own words, or when it takes too much time or memory. */
  async render(job: RenderJob): Promise<string> {
    this.#waiting += 1;
    const outcome = this.#turn.then(() => this.#run(job));
    this.#turn = outcome.catch(() => {});
    try {
      const result = await outcome;
      if ('text' in result) return result.text;
      throw refused(result.refused);
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#restSoon();
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#end();
  }

  #run(job: RenderJob): Promise<RenderOutcome> {
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve) => {
      const finish = (outcome: RenderOutcome): void => {
        clearTimeout(timer);
        worker.off('message', finish);
        worker.off('error', fail);
        worker.off('exit', exit);
        worker.unref();
        resolve(outcome);
      };
      const fail = (error: Error & { code?: string }): void => {
        this.#worker = undefined;
        finish({ refused: error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'it needs too much memory' : error.message });
      };
      const exit = (): void => {
        this.#worker = undefined;
        finish({ refused: 'it ended the thread it ran in' });
      };
      const timer = setTimeout(() => {
        void this.#end();
        finish({ refused: `it took longer than ${this.#timeoutMs / 1000} s` });
      }, this.#timeoutMs);
      worker.on('message', finish);
      worker.on('error', fail);
      worker.on('exit', exit);
      worker.ref();
      worker.postMessage(job);
    });
  }

  #start(): Worker {
    const worker = new Worker(this.#workerFile, {
      name: 'chat-template',
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
    });
    worker.unref();
    return worker;
  }

  #restSoon(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.#end(), this.#idleMs);
    this.#idle.unref();
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

function refused(reason: string): OmgError {
  return new OmgError('template_failed', `The chat template of the model refused the messages: ${reason}`, {
    hint: 'Check the roles and their order. Some models take no system message, or no tools.',
  });
}
