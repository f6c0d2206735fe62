/** So much more is asked of the system at a time. */
const STEP_BYTES = 256 * 1024;

/**
 * Bytes that come in parts, in memory that lies apart from the heap of the C library: freeing it gives it back to the system at once,
 * whatever else was allocated in between, and a thread gets it without a copy.
 */
export class GrowingBytes {
  readonly #buffer: ArrayBuffer;
  readonly #mostBytes: number;
  #size = 0;

  /** @param mostBytes addresses for so many are reserved, which costs no memory. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
    this.#buffer = new ArrayBuffer(0, { maxByteLength: mostBytes });
  }

  /** False where there would be more than the most: the part is not taken then. */
  push(part: Uint8Array): boolean {
    const size = this.#size + part.length;
    if (size > this.#mostBytes) return false;
    if (size > this.#buffer.byteLength) {
      this.#buffer.resize(Math.min(this.#mostBytes, Math.ceil(size / STEP_BYTES) * STEP_BYTES));
    }
    new Uint8Array(this.#buffer).set(part, this.#size);
    this.#size = size;
    return true;
  }

  /** All of them. Nothing may be pushed after it. */
  take(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, 0, this.#size);
  }

  free(): void {
    freeBytes(this.#buffer);
  }
}

/** Gives the memory of `GrowingBytes` back; views of it are empty from then on. Not for memory of any other kind. */
export function freeBytes(buffer: ArrayBuffer): void {
  if (buffer.resizable && !buffer.detached) buffer.resize(0);
}
