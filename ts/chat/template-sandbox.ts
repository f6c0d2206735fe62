import { entryFile } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import { byBadness, byUrgency, type Job, justCame, Lane, type Run } from './template-lane.ts';
import { type TaskEnded, TemplateProcess } from './template-process.ts';
import type { TaskResult, TemplateTask } from './template-task.ts';

export interface SandboxOptions {
  /** A prompt that takes longer is ended with its process. Default 5,000. */
  timeoutMs?: number;
  /** The same for finding out what a template can do, which is a few renders of short messages. Default 2,000. */
  abilitiesTimeoutMs?: number;
  /** A process ends after so long without work. Default 15,000. */
  idleMs?: number;
  /** The process's file; default the one beside this module, in the sources or in the bundle. */
  workerFile?: URL;
}

/** V8's heap: a prompt of the longest text, hidden and plain, takes about half of it. */
const HEAP_MB = 256;
const RESIDENT_MB = 512;

/** Alive at once, idle ones too. */
const MOST_PROCESSES = 6;
/** So many of them may run templates that have not yet rendered well, or have failed; one more where the work has just come. */
const MOST_UNPROVEN = 4;
/** So many may be taking longer than `SLOW_MS`; honest templates take a tenth of that. */
const MOST_SLOW = 2;
const SLOW_MS = 150;
/** A template has rendered well when it was done in this time. */
const WELL_MS = 1_000;
/** Idle processes that new templates leave to those that have rendered well. */
const KEPT_IDLE = 2;
const MOST_WAITING = 512;
const LONGEST_WAIT_MS = 60_000;
/** Templates whose record is kept. */
const MOST_LANES = 64;

/**
 * Templates come with models and are untrusted: they run in processes with bounded time and memory, started when first needed. A template
 * has at most one process, so that a slow one holds up those who use it and nobody else; a process that was slow or failed serves no other. Only
 * a part of the processes may be slow at a time; where there are more, some begin anew later, so that a place for quick work is always near.
 * While nothing is known of some template at work, a process is kept ready for the next one that comes: starting one takes longer than most renders.
 */
export class TemplateSandbox {
  readonly #timeoutMs: Record<TemplateTask['kind'], number>;
  readonly #idleMs: number;
  readonly #workerFile: URL;
  /** By template, least recently used first. */
  readonly #lanes = new Map<string, Lane>();
  readonly #dying = new Set<TemplateProcess>();
  /** Has run nothing yet. */
  #spare: TemplateProcess | undefined;
  #spareIdle: NodeJS.Timeout | undefined;
  #number = 0;
  #closed = false;

  constructor(options: SandboxOptions = {}) {
    this.#timeoutMs = { prompt: options.timeoutMs ?? 5_000, abilities: options.abilitiesTimeoutMs ?? 2_000 };
    this.#idleMs = options.idleMs ?? 15_000;
    this.#workerFile = options.workerFile ?? entryFile(import.meta.url, './template-worker.ts', 'template-worker');
  }

  /** Process ids of all that are alive. */
  get pids(): number[] {
    const lanes = [...this.#lanes.values()].flatMap(({ process }) => process ?? []);
    const processes = [...lanes, ...this.#dying, ...(this.#spare === undefined ? [] : [this.#spare])];
    return processes.flatMap((process) => (process.alive ? (process.pid ?? []) : []));
  }

  /** Process id of the one that is kept ready for a template that has not come yet. */
  get sparePid(): number | undefined {
    return this.#spare?.alive ? this.#spare.pid : undefined;
  }

  /**
   * What came of the task, also where its process ended. When the signal aborts, a task that waits is dropped, and one that runs is ended
   * with its process. Throws `cancelled`, `server_busy` where too many wait or one waits too long, `shutting_down`.
   */
  run(task: TemplateTask, signal?: AbortSignal): Promise<TaskResult | TaskEnded> {
    if (this.#closed) return Promise.reject(closing());
    if (signal?.aborted) return Promise.reject(cancelled());
    const lane = this.#laneOf(task.template);
    if (lane.waiting.length >= MOST_WAITING) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const patience = setTimeout(() => {
        if (lane.running?.job !== job) giveUp(busy());
      }, LONGEST_WAIT_MS);
      const settled = (): void => {
        clearTimeout(patience);
        signal?.removeEventListener('abort', leave);
      };
      const job: Job = {
        task,
        number: this.#number++,
        cameAt: performance.now(),
        slow: false,
        settle: (outcome) => {
          settled();
          resolve(outcome);
        },
        fail: (error) => {
          settled();
          reject(error);
        },
      };
      const giveUp = (error: OmgError): void => {
        job.fail(error);
        this.#drop(lane, job);
      };
      const leave = (): void => giveUp(cancelled());
      signal?.addEventListener('abort', leave);
      lane.waiting.push(job);
      this.#pump();
    });
  }

  /** Resolves when no process is left. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endSpare();
    for (const lane of this.#lanes.values()) {
      const jobs = [...(lane.running === undefined ? [] : [lane.running.job]), ...lane.waiting.splice(0)];
      this.#stop(lane);
      for (const job of jobs) job.fail(closing());
    }
    await Promise.all([...this.#dying].map(({ ended }) => ended));
  }

  #laneOf(template: string): Lane {
    const lane = this.#lanes.get(template) ?? new Lane(template);
    this.#lanes.delete(template);
    if (this.#lanes.size >= MOST_LANES) {
      const forgotten = [...this.#lanes.values()].find(({ empty }) => empty);
      if (forgotten !== undefined) this.#lanes.delete(forgotten.template);
    }
    this.#lanes.set(template, lane);
    return lane;
  }

  /** Starts whatever there is a place for. Called after every change. */
  #pump(): void {
    for (;;) {
      const lane = this.#next();
      if (lane === undefined) return;
      void this.#start(lane);
    }
  }

  #next(): Lane | undefined {
    const lanes = [...this.#lanes.values()];
    const running = lanes.filter((lane) => lane.running !== undefined);
    const unproven = running.filter(({ rank }) => rank > 0).length;
    const slow = running.filter((lane) => lane.running?.slow).length;
    const startable = lanes.filter((lane) => {
      const [job] = lane.waiting;
      if (job === undefined || lane.running !== undefined) return false;
      const mostUnproven = MOST_UNPROVEN + (justCame(job) ? 1 : 0);
      if (running.length >= MOST_PROCESSES || (lane.rank > 0 && unproven >= mostUnproven)) return false;
      return !job.slow || slow < MOST_SLOW;
    });
    return startable.sort(byUrgency)[0];
  }

  async #start(lane: Lane): Promise<void> {
    const job = lane.waiting.shift();
    if (job === undefined) return;
    const run: Run = { job, slow: job.slow };
    lane.running = run;
    clearTimeout(lane.idle);
    const process = this.#processOf(lane, job);
    if (run.slow) process.lowerPriority();
    let startedAt = performance.now();
    void process.ready.then(() => {
      startedAt = performance.now();
      // Not before: it would make this one wait.
      if (lane.rank > 0) this.#keepSpare();
      this.#watch(lane, run, process);
    });
    const outcome = await process.run(job.task, this.#timeoutMs[job.task.kind]);
    if (lane.running !== run) return;
    clearTimeout(run.watch);
    lane.running = undefined;
    if ('ended' in outcome) lane.didBadly();
    else if (performance.now() - startedAt < WELL_MS) lane.didWell();
    // Its priority cannot be raised again.
    if (run.slow || 'ended' in outcome) this.#stop(lane);
    else this.#restSoon(lane);
    job.settle(outcome);
    this.#pump();
  }

  /**
   * The lane's own process; else an idle one of another lane, where enough of them are left or no new one may be started; else the one that is kept
   * ready, where the work has just come.
   */
  #processOf(lane: Lane, job: Job): TemplateProcess {
    if (lane.process?.alive) return lane.process;
    lane.process = undefined;
    const others = [...this.#lanes.values()].filter(({ process }) => process?.alive);
    const idle = others.filter(({ running }) => running === undefined);
    const giver = idle.find(({ rank }) => rank > 0) ?? idle[0];
    if (giver !== undefined && (idle.length > KEPT_IDLE || others.length >= MOST_PROCESSES)) {
      clearTimeout(giver.idle);
      lane.process = giver.process;
      giver.process = undefined;
    }
    lane.process ??= (justCame(job) ? this.#takeSpare() : undefined) ?? this.#newProcess();
    return lane.process;
  }

  #newProcess(): TemplateProcess {
    return new TemplateProcess({ entry: this.#workerFile, heapMb: HEAP_MB, residentMb: RESIDENT_MB });
  }

  /** Sees to it that a process waits for the next template, which ends when none has come for a while. */
  #keepSpare(): void {
    if (this.#closed) return;
    if (!this.#spare?.alive) this.#spare = this.#newProcess();
    clearTimeout(this.#spareIdle);
    this.#spareIdle = setTimeout(() => this.#endSpare(), this.#idleMs);
    this.#spareIdle.unref();
  }

  #takeSpare(): TemplateProcess | undefined {
    clearTimeout(this.#spareIdle);
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.alive ? spare : undefined;
  }

  #endSpare(): void {
    const spare = this.#takeSpare();
    if (spare !== undefined) this.#end(spare);
  }

  #end(process: TemplateProcess): void {
    this.#dying.add(process);
    void process.ended.then(() => this.#dying.delete(process));
    process.kill();
  }

  /** Looks after a while whether a run takes long. One that a busy machine did not let run gets longer. */
  #watch(lane: Lane, run: Run, process: TemplateProcess): void {
    if (lane.running !== run || run.slow) return;
    run.watch = setTimeout(() => {
      if ((process.usedMs ?? SLOW_MS) < SLOW_MS / 2) this.#watch(lane, run, process);
      else this.#tookLong(lane, run, process);
    }, SLOW_MS);
  }

  #tookLong(lane: Lane, run: Run, process: TemplateProcess): void {
    if (lane.running !== run) return;
    run.slow = true;
    process.lowerPriority();
    const slow = [...this.#lanes.values()].filter(({ running }) => running?.slow);
    const loser = slow.length > MOST_SLOW ? slow.sort(byBadness)[0] : undefined;
    if (loser?.running === undefined) return;
    const { job } = loser.running;
    job.slow = true;
    loser.waiting.unshift(job);
    this.#stop(loser);
    this.#pump();
  }

  #drop(lane: Lane, job: Job): void {
    const at = lane.waiting.indexOf(job);
    if (at >= 0) lane.waiting.splice(at, 1);
    if (lane.running?.job === job) {
      if (lane.running.slow) lane.didBadly();
      this.#stop(lane);
    }
    this.#pump();
  }

  /** Ends the lane's process, and with it the run that may be under way. */
  #stop(lane: Lane): void {
    clearTimeout(lane.idle);
    clearTimeout(lane.running?.watch);
    const { process } = lane;
    lane.process = undefined;
    lane.running = undefined;
    if (process !== undefined) this.#end(process);
  }

  #restSoon(lane: Lane): void {
    lane.idle = setTimeout(() => this.#stop(lane), this.#idleMs);
    lane.idle.unref();
  }
}

function cancelled(): OmgError {
  return new OmgError('cancelled', 'The request was cancelled.');
}

function closing(): OmgError {
  return new OmgError('shutting_down', 'The daemon is stopping.');
}

function busy(): OmgError {
  return new OmgError('server_busy', 'Too much waits for the chat template of the model.', {
    hint: 'Try again later.',
  });
}
