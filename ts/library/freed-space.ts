import type { Stats } from 'node:fs';

/** Counts the bytes that removals free: those of a file go with the last of its names, in whatever order they are removed. */
export class FreedSpace {
  readonly #namesLeft = new Map<string, number>();
  bytes = 0;

  /** A name of the file is removed, or would be. */
  remove({ dev, ino, nlink, size }: Stats): void {
    const key = `${dev} ${ino}`;
    const left = (this.#namesLeft.get(key) ?? nlink) - 1;
    this.#namesLeft.set(key, left);
    if (left === 0) this.bytes += size;
  }
}
