import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface ChildOptions {
  file: string;
  args: string[];
  /** All of it; nothing is inherited. */
  environment: Record<string, string>;
  cwd: string;
  /** A line that it wrote. */
  onLine: (line: string) => void;
}

export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last of what it wrote. */
  output: string;
}

/** Bytes of output that are kept for the one who asks why it ended. */
const OUTPUT_KEPT = 64 << 10;

/** Ends a program with the process that started it, where the system can: it changes nothing else and is gone once the program runs. */
const SETPRIV = '/usr/bin/setpriv';

/** A program of somebody else that serves a model. It leads a process group, and the whole group ends with it. Its output is always read. */
export class SupervisedChild {
  readonly ended: Promise<ChildExit>;
  readonly #child: ChildProcess;
  #output = '';
  #hasEnded = false;

  constructor({ file, args, environment, cwd, onLine }: ChildOptions) {
    const bound = process.platform === 'linux' && existsSync(SETPRIV);
    const [program, all] = bound ? [SETPRIV, ['--pdeathsig', 'KILL', '--', file, ...args]] : [file, args];
    this.#child = spawn(program, all, {
      cwd,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    let rest = '';
    const read = (text: string): void => {
      this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(-OUTPUT_KEPT);
      for (const line of lines) if (line.trim() !== '') onLine(line.trimEnd());
    };
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.setEncoding('utf8').on('data', read);
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        if (this.#hasEnded) return;
        this.#hasEnded = true;
        // What it started and left behind goes as well.
        this.#signal('SIGKILL');
        resolve({ code, signal, output: this.#output });
      };
      this.#child.on('error', (error) => {
        this.#output += error.message;
        if (this.#child.pid === undefined) end(null, null);
      });
      this.#child.on('close', end);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Asks it to end, and ends its group after `patienceMs`. Resolves when it is gone. */
  async stop(patienceMs: number): Promise<ChildExit> {
    if (!this.#hasEnded) this.#signal('SIGTERM');
    const timer = setTimeout(() => this.kill(), patienceMs);
    const exit = await this.ended;
    clearTimeout(timer);
    return exit;
  }

  kill(): void {
    if (!this.#hasEnded) this.#signal('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      if (process.platform === 'win32') this.#child.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      // The group is gone.
    }
  }
}
