import { type ChildProcess, fork } from 'node:child_process';
import { getPriority, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { bareEnvironment } from '../config/index.ts';
import { processorMs } from './processor-time.ts';
import type { TaskResult, TemplateTask } from './template-task.ts';

export interface TemplateProcessOptions {
  entry: URL;
  /** V8's limit on the heap, MiB. */
  heapMb: number;
  /** The limit on all memory of the process, MiB. */
  residentMb: number;
}

/** The process ended before it answered. */
export interface TaskEnded {
  ended: string;
  /** The template would end so again; false where the machine did not give it the time, or no process. */
  lasting: boolean;
}

/** A process is there in a tenth of a second; this is for a machine that does not get to it. */
const LONGEST_START_MS = 20_000;
/** A task whose time is over and that had a processor for less than this share of it gets more time, up to `LONGEST_GRACE` times. */
const STARVED = 0.25;
const LONGEST_GRACE = 3;
/** What is added to the nice value: a tenth of the share of what runs at the usual priority. */
const LOWER = 10;

/** One child process in which templates run, one task at a time. However it ends, that is an answer and never an exception here. */
export class TemplateProcess {
  /** Resolves when it can take tasks, or has ended. */
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  #answer: ((outcome: TaskResult | TaskEnded) => void) | undefined;
  #end: TaskEnded | undefined;
  /** Processor time before the task, milliseconds. */
  #usedBefore: number | undefined;

  constructor({ entry, heapMb, residentMb }: TemplateProcessOptions) {
    const file = fileURLToPath(entry);
    // Without threads that help V8, all work is that of one thread, whose priority can be lowered.
    const flags = [`--max-old-space-size=${heapMb}`, '--v8-pool-size=0'];
    this.#child = fork(file, [String(residentMb * 2 ** 20)], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // Node 22 warns that it strips types.
      execArgv: file.endsWith('.ts') ? [...flags, '--disable-warning=ExperimentalWarning'] : flags,
      env: bareEnvironment(),
    });
    let begun = (): void => {};
    let started = false;
    this.ready = new Promise((resolve) => {
      begun = resolve;
    });
    this.#child.on('message', (message) => {
      started = true;
      if (message === 'ready') begun();
      else this.#settle(message as TaskResult);
    });
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#end = { ended: how, lasting: started };
        this.#settle(this.#end);
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
    this.#rest();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#end === undefined;
  }

  /** How long the task has had a processor; undefined where the system does not say. */
  get usedMs(): number | undefined {
    const used = processorMs(this.pid);
    return used === undefined || this.#usedBefore === undefined ? undefined : used - this.#usedBefore;
  }

  /** Never rejects. A task that is not done after `timeoutMs` ends the process; on a machine that is too busy for it, after thrice that. */
  async run(task: TemplateTask, timeoutMs: number): Promise<TaskResult | TaskEnded> {
    this.#child.ref();
    this.#child.channel?.ref();
    const overdue = setTimeout(() => this.kill(), LONGEST_START_MS);
    await this.ready;
    clearTimeout(overdue);
    if (this.#end !== undefined) return this.#end;
    return new Promise((resolve) => {
      this.#usedBefore = processorMs(this.pid);
      let timer: NodeJS.Timeout | undefined;
      const wait = (graces: number): void => {
        timer = setTimeout(() => {
          const starved = (this.usedMs ?? timeoutMs) < timeoutMs * STARVED;
          if (starved && graces > 1) return wait(graces - 1);
          const why = starved ? ', as the machine is busy with other work' : '';
          this.#settle({ ended: `it took longer than ${timeoutMs / 1000} s${why}`, lasting: !starved });
          this.kill();
        }, timeoutMs);
      };
      wait(LONGEST_GRACE);
      this.#answer = (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      };
      try {
        // A failed write means that the process is ending, which `exit` reports.
        this.#child.send(task, () => {});
      } catch (error) {
        // What is nested too deeply cannot be sent.
        this.#settle({ refused: error instanceof Error ? error.message : String(error) });
      }
    });
  }

  /** From now on others go first. There is no way back. */
  lowerPriority(): void {
    const { pid } = this.#child;
    if (pid === undefined || !this.alive) return;
    try {
      setPriority(pid, Math.min(19, getPriority(pid) + LOWER));
    } catch {
      // It has just ended, or the system does not let us.
    }
  }

  kill(): void {
    // Whoever waits for the end must see it.
    if (this.alive) this.#child.ref();
    this.#child.kill('SIGKILL');
  }

  /** An idle process does not keep the daemon from ending; it ends with it. */
  #rest(): void {
    this.#child.unref();
    this.#child.channel?.unref();
  }

  #settle(outcome: TaskResult | TaskEnded): void {
    const answer = this.#answer;
    this.#answer = undefined;
    this.#rest();
    answer?.(outcome);
  }
}

function lastWords(code: number | null, signal: NodeJS.Signals | null): string {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  return `it ended the process it ran in (${how}), as one does that needs too much memory`;
}
