import type { Models } from '../../lifecycle/index.ts';

/** The part of a WebSocket that is used here. */
export interface EventSocket {
  readonly bufferedAmount: number;
  on(event: 'close' | 'error', listener: () => void): unknown;
  send(text: string): void;
  close(code: number, reason: string): void;
}

/** A reader that leaves so many bytes unread is cut off. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/** Sends every event as one JSON text until either side closes. */
export async function openSocket(socket: EventSocket, models: Models): Promise<void> {
  const controller = new AbortController();
  socket.on('close', () => controller.abort());
  socket.on('error', () => controller.abort());
  for await (const event of models.events(controller.signal)) {
    if (socket.bufferedAmount > MAX_UNREAD_BYTES) {
      socket.close(1013, 'too slow');
      return;
    }
    socket.send(JSON.stringify(event));
  }
  socket.close(1001, 'the daemon is stopping');
}
