import type { OmgError } from '../errors/index.ts';
import type { TaskEnded, TemplateProcess } from './template-process.ts';
import type { TaskResult, TemplateTask } from './template-task.ts';

/** A task on its way, which whoever asked may give up. */
export interface Job {
  task: TemplateTask;
  /** Grows with every job. */
  number: number;
  /** On the clock of `performance`. */
  cameAt: number;
  /** It has taken long before: it made room for others and begins anew. */
  slow: boolean;
  settle(outcome: TaskResult | TaskEnded): void;
  fail(error: OmgError): void;
}

export interface Run {
  job: Job;
  slow: boolean;
  /** Looks whether it has become slow. */
  watch?: NodeJS.Timeout;
}

/** So long a job has only just come. */
const JUST_MS = 300;

/** Whether a job may have what is kept for those that just came: it is no leftover of a crowd, and has not been found to take long. */
export function justCame(job: Job): boolean {
  return !job.slow && performance.now() - job.cameAt < JUST_MS;
}

/** How long a template that failed goes behind all others. */
const POOR_MS = 60_000;

/** What one template has to do, in the order in which it came, and the one process that does it. */
export class Lane {
  readonly template: string;
  readonly waiting: Job[] = [];
  process: TemplateProcess | undefined;
  running: Run | undefined;
  /** Ends the process when it has had no work for a while. */
  idle: NodeJS.Timeout | undefined;
  #proven = false;
  #poorUntil = 0;

  constructor(template: string) {
    this.template = template;
  }

  get empty(): boolean {
    return this.running === undefined && this.waiting.length === 0 && this.process === undefined;
  }

  /** 0: it has rendered well; 1: nothing is known of it; 2: it has failed not long ago. */
  get rank(): number {
    if (Date.now() < this.#poorUntil) return 2;
    return this.#proven ? 0 : 1;
  }

  didWell(): void {
    this.#proven = true;
  }

  didBadly(): void {
    this.#proven = false;
    this.#poorUntil = Date.now() + POOR_MS;
  }
}

/**
 * Which lane's next job goes first. Those that have rendered well, in order of arrival; then the newest of those that nothing is known
 * of, so that a crowd of hostile ones does not stand in front of an honest one that comes after it; then those that failed. Work that
 * has shown to take long waits behind all of that.
 */
export function byUrgency(a: Lane, b: Lane): number {
  const [first, second] = [a.waiting[0], b.waiting[0]];
  if (first === undefined || second === undefined) return 0;
  const urgency = ({ rank }: Lane, { slow }: Job): number => rank + (slow ? 3 : 0);
  const difference = urgency(a, first) - urgency(b, second);
  if (difference !== 0) return difference;
  const newestFirst = a.rank === 1 && !first.slow;
  return newestFirst ? second.number - first.number : first.number - second.number;
}

/** Which of several that take long makes room: the worst one, and of equal ones the one that came last. */
export function byBadness(a: Lane, b: Lane): number {
  return b.rank - a.rank || (b.running?.job.number ?? 0) - (a.running?.job.number ?? 0);
}
