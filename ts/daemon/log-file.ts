import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const MAX_BYTES = 10 * 1024 * 1024;
const KEPT_FILES = 3;
/** A log that cannot be opened is tried again this often. */
const TRY_AGAIN_MS = 10_000;

/**
 * A log file that starts anew when it is full: `daemon.log`, then `daemon.log.1` … `.3`. Owner-readable only. Where it cannot be written lines are
 * lost and nothing else is: `onProblem` hears of it once, until lines are written again.
 */
export class LogFile {
  readonly path: string;
  readonly #maxBytes: number;
  readonly #onProblem: (error: Error) => void;
  #descriptor: number | undefined;
  #bytes = 0;
  #isTold = false;
  #triedAtMs = Number.NEGATIVE_INFINITY;

  constructor(path: string, { maxBytes = MAX_BYTES, onProblem = () => {} }: LogFileOptions = {}) {
    this.path = path;
    this.#maxBytes = maxBytes;
    this.#onProblem = onProblem;
    this.#guarded(() => this.#open());
  }

  write(line: string): void {
    this.#guarded(() => {
      if (this.#descriptor !== undefined && this.#bytes > 0 && this.#bytes + line.length > this.#maxBytes)
        this.#rotate();
      const descriptor = this.#descriptor ?? this.#open();
      if (descriptor === undefined) return;
      this.#bytes += writeSync(descriptor, line);
      this.#isTold = false;
    });
  }

  close(): void {
    const descriptor = this.#descriptor;
    // Its number may soon be another file's.
    this.#descriptor = undefined;
    if (descriptor !== undefined) closeSync(descriptor);
  }

  #open(): number | undefined {
    if (performance.now() - this.#triedAtMs < TRY_AGAIN_MS) return undefined;
    this.#triedAtMs = performance.now();
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    this.#descriptor = openSync(this.path, 'a', 0o600);
    this.#triedAtMs = Number.NEGATIVE_INFINITY;
    this.#bytes = fstatSync(this.#descriptor).size;
    return this.#descriptor;
  }

  #rotate(): void {
    this.close();
    for (let index = KEPT_FILES - 1; index >= 0; index--) {
      const from = index === 0 ? this.path : `${this.path}.${index}`;
      try {
        renameSync(from, `${this.path}.${index + 1}`);
      } catch {
        // That old file does not exist yet.
      }
    }
  }

  #guarded(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      if (!this.#isTold) this.#onProblem(error as Error);
      this.#isTold = true;
    }
  }
}

export interface LogFileOptions {
  maxBytes?: number;
  onProblem?: (error: Error) => void;
}
