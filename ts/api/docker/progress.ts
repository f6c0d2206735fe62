import type { PullProgress } from '../../sources/index.ts';
import { progressDigest } from '../wire/index.ts';
import { displayBytes } from './display.ts';

/** A layer is told of again after so long or so much, whichever comes first, and at its end. */
const EVERY_MS = 100;
const EVERY_BYTES = 1 << 20;

export interface ProgressLine {
  type: 'progress' | 'success' | 'warning' | 'error';
  message: string;
  total: number;
  layer: { id: string; size: number; current: number };
  mode: 'pull' | 'push';
}

/** A line about no layer. */
export function plainLine(type: ProgressLine['type'], message: string, total = 0): ProgressLine {
  return { type, message, total, layer: { id: '', size: 0, current: 0 }, mode: 'pull' };
}

/** A pull as docker model-runner tells of it. Nothing comes before it is clear what is pulled. */
export async function* progressLines(
  progress: AsyncIterable<PullProgress>,
  model: string,
  now: () => number = Date.now,
): AsyncGenerator<ProgressLine> {
  const told = new Map<string, { bytes: number; atMs: number }>();
  let fetched = false;
  for await (const { status, files, totalBytes, completedBytes } of progress) {
    if (status === 'waiting' || status === 'resolving') continue;
    const isWhole = status === 'verifying' || status === 'installing' || status === 'success';
    fetched ||= files.some(({ cached }) => !cached);
    for (const file of files) {
      const current = isWhole || file.cached ? file.size : file.completedBytes;
      const last = told.get(file.filename);
      if (last?.bytes === current || (last === undefined && current === 0)) continue;
      const due = now() - (last?.atMs ?? Number.NEGATIVE_INFINITY) >= EVERY_MS;
      if (!due && current - (last?.bytes ?? 0) < EVERY_BYTES && current < file.size) continue;
      told.set(file.filename, { bytes: current, atMs: now() });
      yield {
        type: 'progress',
        message: `Downloaded: ${displayBytes(isWhole ? totalBytes : completedBytes)} of ${displayBytes(totalBytes)}`,
        total: totalBytes,
        layer: { id: progressDigest(file.filename, file.sha256), size: file.size, current },
        mode: 'pull',
      };
    }
    if (status === 'success') {
      yield plainLine('success', fetched ? 'Model pulled successfully' : `Using cached model: ${model}`, totalBytes);
    }
  }
}

const ESCAPES: Record<string, string> = { '&': '&amp;', "'": '&#39;', '<': '&lt;', '>': '&gt;', '"': '&#34;' };

/** Stock clients unescape what is plain text and take JSON as it is. */
export function encodeLine(line: ProgressLine, asJson: boolean): string {
  const text = JSON.stringify(line);
  return `${asJson ? text : text.replaceAll(/[&'<>"]/g, (character) => ESCAPES[character] ?? character)}\n`;
}
