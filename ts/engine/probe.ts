import { OmgError } from '../errors/index.ts';
import type { RunnerCalls, RunnerQuestion } from './runner/protocol.ts';
import type { RunnerProcess } from './runner-process.ts';

export interface ProbeOptions {
  start: () => Promise<RunnerProcess>;
  /** A question that takes longer ends the process. */
  timeoutMs: number;
  /** The process stays for further questions for so long. */
  idleMs: number;
}

/** The short-lived process that reads headers and devices. One question at a time, so that a file that crashes it fails alone. */
export class Probe {
  readonly #options: ProbeOptions;
  #process: RunnerProcess | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  ask<Op extends RunnerQuestion>(op: Op, ask: RunnerCalls[Op]['ask']): Promise<RunnerCalls[Op]['answer']> {
    const answer = this.#turn.then(() => this.#ask(op, ask));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const process = this.#process;
    this.#process = undefined;
    process?.kill();
    await process?.ended;
  }

  async #ask<Op extends RunnerQuestion>(op: Op, ask: RunnerCalls[Op]['ask']): Promise<RunnerCalls[Op]['answer']> {
    clearTimeout(this.#idle);
    const process = this.#process ?? (await this.#start());
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      process.kill();
    }, this.#options.timeoutMs);
    try {
      return await process.call(op, ask);
    } catch (error) {
      if (!late) throw error;
      throw new OmgError(
        'model_load_failed',
        `Reading the model took longer than ${this.#options.timeoutMs / 1000} s.`,
        {
          hint: 'Check the disk the model is on.',
          cause: error,
        },
      );
    } finally {
      clearTimeout(timer);
      this.#idle = setTimeout(() => void this.close(), this.#options.idleMs);
      this.#idle.unref();
    }
  }

  async #start(): Promise<RunnerProcess> {
    const process = await this.#options.start();
    this.#process = process;
    void process.ended.then(() => {
      if (this.#process === process) this.#process = undefined;
    });
    return process;
  }
}
