import { OmgError } from '../errors/index.ts';
import { exactJson, type Grammar } from '../inference/index.ts';
import type { GrammarLimits, GrammarVerdict } from './runner/grammar-check.ts';
import type { RunnerProcess } from './runner-process.ts';

export interface Trial {
  limits: GrammarLimits;
  wallMs: number;
  signal?: AbortSignal | undefined;
}

/** The process that was used stays for further trials for so long. */
const IDLE_MS = 10_000;
const MOST_WAITING = 64;
const WARM_UP: GrammarLimits = { cpuMs: 60_000, memoryBytes: 2 ** 30 };

/** One process that tries grammars, one after another. It is ended with the trial that does not come to an end in it. */
export class TrialLine {
  readonly #start: () => Promise<RunnerProcess>;
  #process: RunnerProcess | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(start: () => Promise<RunnerProcess>) {
    this.#start = start;
  }

  /** `late` when the time on the wall ran out first. Throws what is wrong with the grammar, `server_busy`, `cancelled`, `shutting_down`. */
  async run(grammar: Grammar, trial: Trial): Promise<GrammarVerdict | 'late'> {
    if (this.#waiting >= MOST_WAITING) {
      throw new OmgError('server_busy', `${this.#waiting} grammars wait to be prepared already.`, {
        hint: 'Try again later.',
      });
    }
    this.#waiting += 1;
    const verdict = this.#turn
      .then(() => this.#run(grammar, trial))
      .finally(() => {
        this.#waiting -= 1;
      });
    this.#turn = verdict.catch(() => {});
    // Who leaves while others are tried does not wait for them.
    return leaving(verdict, trial.signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#end();
  }

  async #run(grammar: Grammar, { limits, wallMs, signal }: Trial): Promise<GrammarVerdict | 'late'> {
    if (signal?.aborted) throw cancelled();
    if (this.#closed) throw shuttingDown();
    clearTimeout(this.#idle);
    const process = await this.#started();
    let late = false;
    const end = (): void => process.kill();
    const timer = setTimeout(() => {
      late = true;
      end();
    }, wallMs);
    signal?.addEventListener('abort', end, { once: true });
    let verdict: GrammarVerdict | 'late';
    try {
      verdict = await process.call('checkGrammar', { grammar: exactJson(grammar), limits });
    } catch (error) {
      const failure = OmgError.from(error);
      if (failure.code !== 'runner_crashed') throw failure;
      // The next trial must not be sent to a process that is gone.
      this.#process = undefined;
      if (signal?.aborted) throw cancelled();
      if (this.#closed) throw shuttingDown();
      if (!late) {
        throw new OmgError('invalid_request', 'The grammar cannot be compiled: the compiler failed.', {
          cause: failure,
        });
      }
      verdict = 'late';
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      this.#idle = setTimeout(() => void this.#end(), IDLE_MS);
      this.#idle.unref();
    }
    if (verdict !== 'compiles') await this.#end();
    return verdict;
  }

  async #started(): Promise<RunnerProcess> {
    if (this.#process !== undefined) return this.#process;
    const process = await this.#start();
    this.#process = process;
    void process.ended.then(() => {
      if (this.#process === process) this.#process = undefined;
    });
    try {
      // Its start and what all grammars share are not a part of the trial.
      await process.call('checkGrammar', { grammar: '{"kind":"json_object"}', limits: WARM_UP });
    } catch (error) {
      this.#process = undefined;
      throw this.#closed ? shuttingDown() : error;
    }
    return process;
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle);
    const process = this.#process;
    this.#process = undefined;
    process?.kill();
    await process?.ended;
  }
}

function leaving<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(cancelled());
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

function cancelled(): OmgError {
  return new OmgError('cancelled', 'The request was cancelled.');
}

function shuttingDown(): OmgError {
  return new OmgError('shutting_down', 'The daemon is stopping.');
}
