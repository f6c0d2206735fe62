import { type FileHandle, open, readFile } from 'node:fs/promises';
import { writeFileAtomically } from '../../config/index.ts';

/** A set of byte ranges, `[start, end)`, kept merged and in order. */
export class RangeSet {
  readonly #ranges: [number, number][] = [];

  add(start: number, end: number): void {
    if (end <= start) return;
    let from = start;
    let to = end;
    let index = 0;
    while (index < this.#ranges.length) {
      const [a, b] = this.#ranges[index] ?? [0, 0];
      if (b < from) {
        index++;
      } else if (a > to) {
        break;
      } else {
        from = Math.min(from, a);
        to = Math.max(to, b);
        this.#ranges.splice(index, 1);
      }
    }
    this.#ranges.splice(index, 0, [from, to]);
  }

  list(): readonly (readonly [number, number])[] {
    return this.#ranges;
  }

  get bytes(): number {
    return this.#ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  }

  /** How far the file is whole from its beginning. */
  get frontier(): number {
    const [first] = this.#ranges;
    return first?.[0] === 0 ? first[1] : 0;
  }

  /** The first byte at or after `position` that is not in the set. */
  nextMissing(position: number): number {
    for (const [start, end] of this.#ranges) {
      if (start > position) return position;
      if (end > position) return end;
    }
    return position;
  }

  /** What is not in the set, in order. */
  missing(size: number): [number, number][] {
    const gaps: [number, number][] = [];
    let at = 0;
    for (const [start, end] of this.#ranges) {
      if (start > at) gaps.push([at, Math.min(start, size)]);
      at = Math.max(at, end);
    }
    if (at < size) gaps.push([at, size]);
    return gaps;
  }
}

/**
 * Which ranges of a partial file are on disk, in a file beside it: `<size>\n`, then a line `<start> <end>\n` per range, appended
 * after the bytes were written. A line that was being written when the process died has no end and is not counted.
 */
export class Journal {
  readonly ranges: RangeSet;
  readonly #file: FileHandle;
  #tail: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, ranges: RangeSet) {
    this.#file = file;
    this.ranges = ranges;
  }

  /** Goes on with the journal of an earlier try; one of another size, or an unreadable one, is begun again. */
  static async open(path: string, size: number, partialExists: boolean): Promise<Journal> {
    const text = partialExists ? await readFile(path, 'latin1').catch(() => '') : '';
    const [head, ...lines] = text.split('\n');
    const whole = lines.slice(0, -1);
    const known = head === String(size) && lines.length > 0;
    const ranges = new RangeSet();
    for (const line of known ? whole : []) {
      const match = /^(\d{1,16}) (\d{1,16})$/.exec(line);
      if (match !== null && Number(match[2]) <= size) ranges.add(Number(match[1]), Number(match[2]));
    }
    // Appended to a torn line the next one would be lost, so what is known is written anew, beside the old one until it is whole.
    const lead = [`${size}\n`, ...ranges.list().map(([start, end]) => `${start} ${end}\n`)];
    await writeFileAtomically(path, lead.join(''));
    return new Journal(await open(path, 'a'), ranges);
  }

  /** Notes that the bytes `[start, end)` have been written. */
  async add(start: number, end: number): Promise<void> {
    this.ranges.add(start, end);
    const write = this.#tail.then(async () => {
      await this.#file.appendFile(`${start} ${end}\n`);
    });
    this.#tail = write.catch(() => {});
    await write;
  }

  async close(): Promise<void> {
    await this.#tail;
    await this.#file.close();
  }
}
