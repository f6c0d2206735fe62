import { getHeapStatistics } from 'node:v8';
import { OmgError } from '../../errors/index.ts';

const MIB = 1024 * 1024;

/** Bodies up to this size find room also where large ones have taken the rest. */
const SMALL_BYTES = MIB;
const RESERVED_SHARE = 1 / 4;
const MAX_BYTES = 512 * MIB;
/** A body costs several times its size while it is parsed and passed on. */
const HEAP_SHARE = 1 / 8;

/** Bounds how many bytes of bodies are in memory at once, unpacked, whoever they belong to and however many send. */
export class BodyRoom {
  readonly #bytes: number;
  readonly #reserved: number;
  #taken = 0;

  constructor(bytes = Math.min(MAX_BYTES, Math.floor(getHeapStatistics().heap_size_limit * HEAP_SHARE))) {
    this.#bytes = bytes;
    this.#reserved = Math.floor(bytes * RESERVED_SHARE);
  }

  get takenBytes(): number {
    return this.#taken;
  }

  /** The place of one body, which holds nothing yet. */
  open(): BodyPlace {
    let held = 0;
    return {
      take: (bytes) => {
        const most = held + bytes > SMALL_BYTES ? this.#bytes - this.#reserved : this.#bytes;
        if (this.#taken + bytes > most) throw full();
        this.#taken += bytes;
        held += bytes;
      },
      free: () => {
        this.#taken -= held;
        held = 0;
      },
    };
  }
}

export interface BodyPlace {
  /** So many more bytes have come. Throws `server_busy` where there is no room for them. */
  take(bytes: number): void;
  /** The body is no longer needed. Idempotent. */
  free(): void;
}

function full(): OmgError {
  return new OmgError('server_busy', 'The server is busy with other large requests.', {
    hint: 'Try again in a moment.',
  });
}
