import { createHash } from 'node:crypto';
import type { FileOrigin, ModelOutline, PullProgress, RemoteFile } from '../types.ts';

const INTERVAL_MS = 60;

/** Gathers what the transfers report and tells it at most every 60 ms, and at once when the status changes. */
export class ProgressMeter {
  readonly #onProgress: ((progress: PullProgress) => void) | undefined;
  #status: PullProgress['status'] = 'resolving';
  #files: PullProgress['files'] = [];
  readonly #resumed = new Set<string>();
  #outline: ModelOutline | undefined;
  #lastMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(onProgress: ((progress: PullProgress) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  start(repo: string, files: readonly RemoteFile[]): void {
    const keys = new Set<string>();
    this.#files = files.map(({ filename, size, sha256 }) => {
      // Clients use the hash as the key of a progress bar: one whose hash is not known, or is another's too, needs its own.
      const own = createHash('sha256').update(`${repo}/${filename}`).digest('hex');
      const key = sha256 === undefined || keys.has(sha256) ? own : sha256;
      keys.add(key);
      return { filename, sha256: key, size, completedBytes: 0, cached: false };
    });
  }

  status(status: PullProgress['status']): void {
    if (status === this.#status && this.#lastMs !== -Infinity) return;
    this.#status = status;
    this.#tell();
  }

  completed(filename: string, bytes: number): void {
    const file = this.#files.find((other) => other.filename === filename);
    if (file === undefined || file.completedBytes === bytes) return;
    file.completedBytes = Math.min(bytes, file.size);
    this.#tellSoon();
  }

  /** What an earlier pull had brought; the first word about a file counts. */
  resumed(filename: string, bytes: number): void {
    if (this.#resumed.has(filename)) return;
    this.#resumed.add(filename);
    const file = this.#files.find((other) => other.filename === filename);
    if (file !== undefined) file.resumedBytes = Math.min(bytes, file.size);
  }

  /** What the headers say. */
  outline(outline: ModelOutline): void {
    this.#outline = outline;
    this.#tell();
  }

  cached(filename: string, origin: FileOrigin): void {
    const file = this.#files.find((other) => other.filename === filename);
    if (file === undefined) return;
    file.cached = true;
    file.origin = origin;
    file.completedBytes = file.size;
    this.#tellSoon();
  }

  /** Nothing is told after this. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tellSoon(): void {
    const waitMs = this.#lastMs + INTERVAL_MS - performance.now();
    if (waitMs <= 0) this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), waitMs);
  }

  #tell(): void {
    this.stop();
    this.#lastMs = performance.now();
    this.#onProgress?.({
      status: this.#status,
      totalBytes: this.#files.reduce((sum, { size }) => sum + size, 0),
      completedBytes: this.#files.reduce((sum, { completedBytes }) => sum + completedBytes, 0),
      files: this.#files.map((file) => ({ ...file })),
      ...(this.#outline === undefined ? {} : { outline: this.#outline }),
    });
  }
}
