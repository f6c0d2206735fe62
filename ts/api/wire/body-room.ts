import { getHeapStatistics } from 'node:v8';
import { OmgError } from '../../errors/index.ts';

const MIB = 1024 * 1024;

/** Bodies up to this size find room also where large ones have taken the rest. */
const SMALL_BYTES = MIB;
const RESERVED_SHARE = 1 / 4;
/** Three of the largest bodies, and the part for small ones. Each costs several times its size while it is parsed and passed on. */
const MAX_BYTES = 136 * MIB;
const HEAP_SHARE = 1 / 8;

/**
 * Bounds how many bytes of bodies are in memory at once, whoever they belong to and however many send: as they came while they wait, and
 * unpacked from when they are read until they are answered.
 */
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
    let isOver = false;
    return {
      hold: (bytes) => {
        if (isOver) return;
        const most = bytes > SMALL_BYTES ? this.#bytes - this.#reserved : this.#bytes;
        const taken = this.#taken - held + bytes;
        if (bytes > held && taken > most) throw full();
        this.#taken = taken;
        held = bytes;
      },
      free: () => {
        this.#taken -= held;
        held = 0;
        isOver = true;
      },
    };
  }
}

export interface BodyPlace {
  /** The body takes so many bytes from now on. Throws `server_busy` where there is no room for that. */
  hold(bytes: number): void;
  /** The body is no longer needed; nothing counts from then on. Idempotent. */
  free(): void;
}

function full(): OmgError {
  return new OmgError('server_busy', 'The server is busy with other large requests.', {
    hint: 'Try again in a moment.',
  });
}
