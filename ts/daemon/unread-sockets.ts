import type { Socket } from 'node:net';

/** A slow line is no stalled one: what is written in one piece may take so long for each byte, 64 KiB/s. */
const MS_PER_BYTE = 1 / 65.536;
/** Anything shorter would cut off who reads, on a busy machine. */
const LEAST_MS = 1000;

interface Seen {
  /** Bytes that the system has taken. */
  sent: number;
  atMs: number;
}

/** Closes connections whose peer does not read, whatever is being sent: answers, streams, events, over TLS, a Unix socket or an upgraded one. */
export class UnreadSockets {
  readonly #unreadMs: number;
  readonly #onClosed: () => void;
  readonly #seen = new Map<Socket, Seen>();
  readonly #timer: NodeJS.Timeout;

  constructor(unreadMs: number, onClosed: () => void) {
    this.#unreadMs = Math.max(LEAST_MS, unreadMs);
    this.#onClosed = onClosed;
    this.#timer = setInterval(() => this.#look(), Math.min(5000, this.#unreadMs / 10));
    this.#timer.unref();
  }

  /** Idempotent. */
  watch(socket: Socket): void {
    if (this.#seen.has(socket) || socket.destroyed) return;
    this.#seen.set(socket, { sent: sentBytes(socket), atMs: performance.now() });
    socket.once('close', () => this.#seen.delete(socket));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    for (const [socket, seen] of this.#seen) {
      const sent = sentBytes(socket);
      if (socket.writableLength === 0 || sent !== seen.sent) {
        seen.sent = sent;
        seen.atMs = now;
      } else if (now - seen.atMs >= this.#unreadMs + socket.writableLength * MS_PER_BYTE) {
        socket.destroy();
        this.#onClosed();
      }
    }
  }
}

function sentBytes(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}
