import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bareEnvironment } from '../config/index.ts';
import type { RenderJob, RenderOutcome } from './template-runtime.ts';

export interface TemplateProcessOptions {
  entry: URL;
  /** V8's limit on the heap, MiB. */
  heapMb: number;
  /** The limit on all memory of the process, MiB. */
  residentMb: number;
}

/** A process is there in a tenth of a second; this is for a machine that does not get to it. */
const LONGEST_START_MS = 20_000;

/** The process ended before it answered. `late`: it was ended because its time was over. */
export interface ProcessEnded {
  ended: string;
  late: boolean;
}

/** One child process in which templates run, one job at a time. However it ends, that is an answer and never an exception here. */
export class TemplateProcess {
  /** Resolves when it can take jobs, or has ended. */
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  #answer: ((outcome: RenderOutcome | ProcessEnded) => void) | undefined;
  #end: string | undefined;

  constructor({ entry, heapMb, residentMb }: TemplateProcessOptions) {
    const file = fileURLToPath(entry);
    const flags = [`--max-old-space-size=${heapMb}`];
    this.#child = fork(file, [String(residentMb * 2 ** 20)], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // Node 22 warns that it strips types.
      execArgv: file.endsWith('.ts') ? [...flags, '--disable-warning=ExperimentalWarning'] : flags,
      env: bareEnvironment(),
    });
    let begun = (): void => {};
    this.ready = new Promise((resolve) => {
      begun = resolve;
    });
    this.#child.on('message', (message) => {
      if (message === 'ready') begun();
      else this.#settle(message as RenderOutcome);
    });
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#end = how;
        this.#settle({ ended: how, late: false });
        begun();
        resolve();
      };
      this.#child.on('exit', (code, signal) => end(lastWords(code, signal)));
      this.#child.on('error', (error) => {
        // Without a process there is no `exit`; with one, this is a message that could not be sent.
        if (this.#child.pid === undefined) end(`its process could not be started: ${error.message}`);
        else this.kill();
      });
    });
    this.rest();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#end === undefined;
  }

  /** Never rejects. A job that is not done after `timeoutMs` ends the process. */
  async run(job: RenderJob, timeoutMs: number): Promise<RenderOutcome | ProcessEnded> {
    this.#child.ref();
    this.#child.channel?.ref();
    const overdue = setTimeout(() => this.kill(), LONGEST_START_MS);
    await this.ready;
    clearTimeout(overdue);
    if (this.#end !== undefined) return { ended: this.#end, late: false };
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#settle({ ended: `it took longer than ${timeoutMs / 1000} s`, late: true });
        this.kill();
      }, timeoutMs);
      this.#answer = (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      };
      // A failed write means that the process is ending, which `exit` reports.
      this.#child.send(job, () => {});
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** An idle process does not keep the daemon from ending; it ends with it. */
  rest(): void {
    this.#child.unref();
    this.#child.channel?.unref();
  }

  #settle(outcome: RenderOutcome | ProcessEnded): void {
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(outcome);
    this.rest();
  }
}

function lastWords(code: number | null, signal: NodeJS.Signals | null): string {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  return `it ended the process it ran in (${how}), as one does that needs too much memory`;
}
