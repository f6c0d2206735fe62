import { createHash } from 'node:crypto';
import type { FileOrigin, ModelOutline, PulledFile, PullProgress } from '../../sources/index.ts';

/** One object of a pull's stream, in Ollama's shape. */
export interface PullLine {
  status: string;
  digest?: string;
  total?: number;
  completed?: number;
  /** Something that was asked for and has no effect. */
  warning?: string;
}

/** A line for our own command line, which knows more than Ollama's lines tell. */
export interface DetailedPullLine extends PullLine {
  /** Path of the file in the repository. */
  file?: string;
  /** Of `completed`: what an earlier pull had brought. */
  resumed?: number;
  /** Where a file was found that did not have to be fetched. */
  origin?: FileOrigin;
  /** What the headers say, once, before the weights come. */
  model?: OutlineJson & { size: number };
}

export interface OutlineJson {
  family: string;
  parameter_size: string;
  quantization: string;
  memory?: { total: number; available: number; fits: boolean };
}

export function outlineJson({ family, parameterSize, quantization, memory }: ModelOutline): OutlineJson {
  return {
    family,
    parameter_size: parameterSize,
    quantization,
    ...(memory === undefined
      ? {}
      : { memory: { total: memory.totalBytes, available: memory.availableBytes, fits: memory.fits } }),
  };
}

/** As `pullLines`, with all that is known. Nothing is said before the hub is asked. */
export async function* detailedPullLines(progress: AsyncIterable<PullProgress>): AsyncGenerator<DetailedPullLine> {
  let latest: PullProgress | undefined;
  let isTold = false;
  const watched = async function* (): AsyncGenerator<PullProgress> {
    for await (const step of progress) {
      latest = step;
      yield step;
    }
  };
  for await (const line of linesOf(watched(), false)) {
    if (!isTold && latest?.outline !== undefined) {
      isTold = true;
      yield { status: 'reading the headers', model: { ...outlineJson(latest.outline), size: latest.totalBytes } };
    }
    const file = latest?.files.find((other) => progressDigest(other.filename, other.sha256) === line.digest);
    yield file === undefined ? line : { ...line, ...detailsOf(file) };
  }
}

function detailsOf({ filename, resumedBytes = 0, origin }: PulledFile): Partial<DetailedPullLine> {
  return {
    file: filename,
    ...(resumedBytes > 0 ? { resumed: resumedBytes } : {}),
    ...(origin === undefined ? {} : { origin }),
  };
}

/**
 * Progress as Ollama's lines: manifest, one or more lines per file, verifying, writing, success. Files only get a line when
 * they have moved; one that is already there gets exactly one. A missing `completed` means 0.
 */
export function pullLines(progress: AsyncIterable<PullProgress>): AsyncGenerator<PullLine> {
  return linesOf(progress, true);
}

/** @param beforehand says the first line before there is any progress. */
async function* linesOf(progress: AsyncIterable<PullProgress>, beforehand: boolean): AsyncGenerator<PullLine> {
  const told = new Map<string, number>();
  let verifying = false;
  let writing = false;
  let begun = beforehand;
  if (beforehand) yield { status: 'pulling manifest' };
  for await (const { status, files } of progress) {
    if (status === 'waiting') continue;
    if (!begun) yield { status: 'pulling manifest' };
    begun = true;
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
