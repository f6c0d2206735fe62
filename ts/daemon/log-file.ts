import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const MAX_BYTES = 10 * 1024 * 1024;
const KEPT_FILES = 3;

/** A log file that starts anew when it is full: `daemon.log`, then `daemon.log.1` … `.3`. Owner-readable only. */
export class LogFile {
  readonly path: string;
  readonly #maxBytes: number;
  #descriptor: number;
  #bytes: number;

  constructor(path: string, maxBytes = MAX_BYTES) {
    this.path = path;
    this.#maxBytes = maxBytes;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#descriptor = openSync(path, 'a', 0o600);
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  write(line: string): void {
    try {
      if (this.#bytes > 0 && this.#bytes + line.length > this.#maxBytes) this.#rotate();
      this.#bytes += writeSync(this.#descriptor, line);
    } catch {
      // A full disk must not stop the daemon; the line is lost.
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #rotate(): void {
    closeSync(this.#descriptor);
    for (let index = KEPT_FILES - 1; index >= 0; index--) {
      const from = index === 0 ? this.path : `${this.path}.${index}`;
      try {
        renameSync(from, `${this.path}.${index + 1}`);
      } catch {
        // That old file does not exist yet.
      }
    }
    this.#descriptor = openSync(this.path, 'a', 0o600);
    this.#bytes = fstatSync(this.#descriptor).size;
  }
}
