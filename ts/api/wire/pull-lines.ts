import { createHash } from 'node:crypto';
import type { PullProgress } from '../../hub/index.ts';

/** One object of a pull's stream, in Ollama's shape. */
export interface PullLine {
  status: string;
  digest?: string;
  total?: number;
  completed?: number;
  /** Something that was asked for and has no effect. */
  warning?: string;
}

/**
 * Progress as Ollama's lines: manifest, one or more lines per file, verifying, writing, success. Files only get a line when
 * they have moved; one that is already there gets exactly one. A missing `completed` means 0.
 */
export async function* pullLines(progress: AsyncIterable<PullProgress>): AsyncGenerator<PullLine> {
  const told = new Map<string, number>();
  let verifying = false;
  let writing = false;
  yield { status: 'pulling manifest' };
  for await (const { status, files } of progress) {
    const isComplete = status === 'verifying' || status === 'installing' || status === 'success';
    for (const file of files) {
      const completed = isComplete || file.cached ? file.size : file.completedBytes;
      // Clients divide by the total.
      if (file.size <= 0 || told.get(file.filename) === completed) continue;
      told.set(file.filename, completed);
      yield fileLine(file.filename, file.sha256, file.size, completed);
    }
    if (isComplete && !verifying) {
      verifying = true;
      yield { status: 'verifying sha256 digest' };
    }
    if ((status === 'installing' || status === 'success') && !writing) {
      writing = true;
      yield { status: 'writing manifest' };
    }
    if (status === 'success') yield { status: 'success' };
  }
}

/** The digest is the key of a progress bar, so a file whose hash is not known yet gets one of its path. */
export function progressDigest(filename: string, sha256: string): string {
  return `sha256:${sha256 === '' ? createHash('sha256').update(filename).digest('hex') : sha256}`;
}

function fileLine(filename: string, sha256: string, total: number, completed: number): PullLine {
  const digest = progressDigest(filename, sha256);
  return { status: `pulling ${digest.slice(7, 19)}`, digest, total, ...(completed > 0 ? { completed } : {}) };
}
