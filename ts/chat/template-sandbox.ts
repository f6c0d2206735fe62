import { entryFile } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import { TemplateProcess } from './template-process.ts';
import type { RenderJob } from './template-runtime.ts';

export interface SandboxOptions {
  /** A render that takes longer is ended with its process. Default 5,000. */
  timeoutMs?: number;
  /** The process ends after so long without work. Default 15,000. */
  idleMs?: number;
  /** The process's file; default the one beside this module, in the sources or in the bundle. */
  workerFile?: URL;
}

/** V8's heap: a prompt of the longest text, hidden and plain, takes about half of it. */
const HEAP_MB = 256;
const RESIDENT_MB = 512;

/** Templates come with models and are untrusted: they run in a process with bounded time and memory, started when first needed. */
export class TemplateSandbox {
  readonly #timeoutMs: number;
  readonly #idleMs: number;
  readonly #workerFile: URL;
  #process: TemplateProcess | undefined;
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
      return await outcome;
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#restSoon();
    }
  }

  /** Resolves when no process is left. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const process = this.#process;
    this.#process = undefined;
    process?.kill();
    await process?.ended;
  }

  async #run(job: RenderJob): Promise<string> {
    clearTimeout(this.#idle);
    if (this.#process?.alive !== true) {
      this.#process = new TemplateProcess({ entry: this.#workerFile, heapMb: HEAP_MB, residentMb: RESIDENT_MB });
    }
    const process = this.#process;
    const outcome = await process.run(job, this.#timeoutMs);
    if ('text' in outcome) return outcome.text;
    if ('refused' in outcome) throw refused(outcome.refused);
    if (this.#process === process) this.#process = undefined;
    throw refused(outcome.ended);
  }

  #restSoon(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.close(), this.#idleMs);
    this.#idle.unref();
  }
}

function refused(reason: string): OmgError {
  return new OmgError('template_failed', `The chat template of the model refused the messages: ${reason}`, {
    hint: 'Check the roles and their order. Some models take no system message, or no tools.',
  });
}
