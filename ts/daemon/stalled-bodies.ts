import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { OmgError } from '../errors/index.ts';
import { errorRendererFor } from './error-format.ts';

/** Less than this in a whole period is as good as nothing: who sends a byte now and then holds a connection all the same. */
const LEAST_PROGRESS_BYTES = 1024;
/** How often a body is looked at in a period. Looks are counted and not the time, so that a busy machine does not count against the sender. */
const LOOKS = 4;

interface Watched {
  request: IncomingMessage;
  response: ServerResponse;
  /** What had come over the connection at the last progress. */
  bytes: number;
  looksWithoutProgress: number;
}

/**
 * Cuts requests whose bodies stop coming for `periodMs`, with 408 where nothing has been answered yet. A body that goes on coming may take for
 * ever, and one that the daemon itself is slow to read is waited for.
 */
export function cutStalledBodies(server: Server, periodMs: number): void {
  const bodies = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    for (const body of bodies) if (isOver(body) || isStalled(body)) bodies.delete(body);
    if (bodies.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  server.on('request', (request, response) => {
    if (!hasBody(request)) return;
    bodies.add({ request, response, bytes: request.socket.bytesRead, looksWithoutProgress: 0 });
    timer ??= setInterval(look, periodMs / LOOKS).unref();
  });
}

/** Connections within the process count no bytes, and nobody else sends over them. */
function hasBody({ headers, socket }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return typeof socket.bytesRead === 'number' && (headers['transfer-encoding'] !== undefined || Number(length) > 0);
}

function isOver({ request }: Watched): boolean {
  return request.complete || request.socket.destroyed;
}

function isStalled(body: Watched): boolean {
  const { request } = body;
  const { bytesRead } = request.socket;
  // What has come and lies there unread is waited for by nobody but us.
  if (request.readableLength > 0 || bytesRead - body.bytes >= LEAST_PROGRESS_BYTES) {
    body.bytes = bytesRead;
    body.looksWithoutProgress = 0;
    return false;
  }
  body.looksWithoutProgress += 1;
  if (body.looksWithoutProgress < LOOKS) return false;
  cut(body);
  return true;
}

function cut({ request, response }: Watched): void {
  const { socket } = request;
  // Its turn on the connection has come, and the handler, which waits for the body, has said nothing yet.
  if (response.socket === socket && !response.headersSent) {
    const error = new OmgError('request_timeout', 'The body of the request stopped coming.', {
      hint: 'Send it again, over a connection that holds.',
    });
    const { status, body } = errorRendererFor((request.url ?? '/').split('?', 1)[0] ?? '/')(error, '');
    const text = JSON.stringify(body);
    socket.write(
      `HTTP/1.1 ${status} Request Timeout\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  }
  socket.destroySoon();
}
