import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { OmgError } from '../errors/index.ts';
import type { WorkEvent } from '../inference/index.ts';
import type { FromRunner, RunnerCalls, RunnerQuestion, ToRunner } from './runner/protocol.ts';

export interface RunnerProcessOptions {
  entry: URL;
  addonFile: string;
  environment: Record<string, string>;
  /** One line that the runner wrote to stderr. */
  onStderr: (line: string) => void;
}

export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** What listens to the messages of one id. */
interface Listener {
  events: (events: WorkEvent[]) => void;
  progress: (fraction: number) => void;
  ok: (value: unknown) => void;
  fail: (error: OmgError) => void;
}

const STDERR_LINES_KEPT = 20;

/** One child process and the calls under way on it. When it ends, whatever is under way fails with `runner_crashed`. */
export class RunnerProcess {
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #listeners = new Map<number, Listener>();
  readonly #stderr: string[] = [];
  #nextId = 1;
  #end: ProcessEnd | undefined;
  #spawnError: Error | undefined;

  constructor({ entry, addonFile, environment, onStderr }: RunnerProcessOptions) {
    const file = fileURLToPath(entry);
    this.#child = fork(file, [addonFile], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // The daemon's own flags (inspector, loaders) are not the runner's. Node 22 warns that it strips types.
      execArgv: file.endsWith('.ts') ? ['--disable-warning=ExperimentalWarning'] : [],
      env: environment,
    });
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => this.#onEnd({ code, signal }, resolve));
      this.#child.on('error', (error) => {
        this.#spawnError = error;
        // Without a process there is no `close`.
        if (this.#child.pid === undefined) this.#onEnd({ code: null, signal: null }, resolve);
      });
    });
    this.#child.on('message', (message) => this.#onMessage(message as FromRunner));
    if (this.#child.stderr !== null) {
      createInterface({ input: this.#child.stderr }).on('line', (line) => {
        this.#stderr.push(line);
        if (this.#stderr.length > STDERR_LINES_KEPT) this.#stderr.shift();
        onStderr(line);
      });
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** When the signal aborts it throws `cancelled` at once, and the runner drops what it has not begun. */
  call<Op extends RunnerQuestion>(
    op: Op,
    ask: RunnerCalls[Op]['ask'],
    {
      onProgress = () => {},
      signal,
    }: { onProgress?: (fraction: number) => void; signal?: AbortSignal | undefined } = {},
  ): Promise<RunnerCalls[Op]['answer']> {
    if (signal?.aborted) return Promise.reject(cancelled());
    return new Promise((resolve, reject) => {
      const settled = (): void => signal?.removeEventListener('abort', leave);
      const id = this.open({ id: 0, op, ...ask } as unknown as ToRunner, {
        events: () => {},
        progress: onProgress,
        ok: (value) => {
          settled();
          resolve(value as RunnerCalls[Op]['answer']);
        },
        fail: (error) => {
          settled();
          reject(error);
        },
      });
      const leave = (): void => {
        this.signal('cancel', id);
        reject(cancelled());
      };
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  /** Sends under a fresh id, which is returned; the listener hears what comes back, `ok` or `fail` last. */
  open(message: ToRunner, listener: Listener): number {
    const id = this.#nextId++;
    if (this.#end !== undefined) {
      listener.fail(this.#crash(this.#end));
      return id;
    }
    this.#listeners.set(id, listener);
    this.#send({ ...message, id });
    return id;
  }

  /** Messages that get no answer; nothing happens when the process is gone. */
  signal(op: 'cancel' | 'more', id: number): void {
    if (this.#listeners.has(id)) this.#send({ id, op });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #send(message: ToRunner): void {
    if (!this.#child.connected) return;
    // A failed write means that the process is ending, which `close` reports.
    this.#child.send(message, () => {});
  }

  #onMessage(message: FromRunner): void {
    const listener = this.#listeners.get(message.id);
    if (listener === undefined) return;
    if ('events' in message) listener.events(message.events);
    else if ('progress' in message) listener.progress(message.progress);
    else {
      this.#listeners.delete(message.id);
      if ('error' in message) listener.fail(OmgError.fromData(message.error));
      else listener.ok(message.ok);
    }
  }

  #onEnd(end: ProcessEnd, resolve: (end: ProcessEnd) => void): void {
    this.#end = end;
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.fail(this.#crash(end));
    resolve(end);
  }

  /** What to tell those who wait on a process that ended. */
  #crash({ code, signal }: ProcessEnd): OmgError {
    const how = this.#spawnError?.message ?? (signal === null ? `exit code ${code}` : `signal ${signal}`);
    const said = this.#stderr.findLast((line) => line.trim() !== '');
    return new OmgError(
      'runner_crashed',
      `The process that ran the model ended unexpectedly (${how})${said === undefined ? '.' : `: ${said.trim()}`}`,
      {
        hint:
          signal === 'SIGKILL'
            ? 'Something killed it; the system does so when memory runs out. Try again.'
            : 'Try again; `omg logs` has its last words.',
        detail: { code, signal, stderr: this.#stderr.slice() },
      },
    );
  }
}

function cancelled(): OmgError {
  return new OmgError('cancelled', 'The request was cancelled.');
}
