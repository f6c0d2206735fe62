import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import type { StandInContent } from './repository.ts';

const CHUNK = 64 << 10;

export interface RequestLog {
  host: 'hub' | 'storage';
  method: string;
  /** With the query. */
  path: string;
  range?: string;
  authorization?: string;
  status?: number;
  /** Bytes of the body that were handed to the connection. */
  bytesSent: number;
}

export function sendJson(
  response: ServerResponse,
  log: RequestLog,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(value);
  log.status = 200;
  log.bytesSent = Buffer.byteLength(text);
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(text);
}

export function sendStatus(
  response: ServerResponse,
  log: RequestLog,
  status: number,
  headers: Record<string, string> = {},
  body = '',
): void {
  log.status = status;
  log.bytesSent = Buffer.byteLength(body);
  response.writeHead(status, headers).end(body);
}

/** Sends a file or the range that is asked for, as well or as badly as the fault says. */
export async function sendContent(
  request: IncomingMessage,
  response: ServerResponse,
  log: RequestLog,
  content: StandInContent,
  fault: Fault,
  headers: Record<string, string>,
  /** Called before the last bytes go, since the client may have asked for more before we know that they have arrived. */
  onLast: () => void = () => {},
): Promise<void> {
  const range = fault.ignoreRange ? undefined : parseRange(request.headers.range, content.size);
  if (range === 'unsatisfiable') {
    sendStatus(response, log, 416, { 'content-range': `bytes */${content.size}` });
    return;
  }
  const [start, end] = range ?? [0, content.size];
  const shift = fault.wrongRange ? start : 0;
  log.status = range === undefined ? 200 : 206;
  response.writeHead(log.status, {
    ...headers,
    ...(fault.ignoreRange ? {} : { 'accept-ranges': 'bytes' }),
    'content-length': String(fault.contentLength ?? end - start),
    ...(range === undefined ? {} : { 'content-range': `bytes ${start - shift}-${end - shift - 1}/${content.size}` }),
  });
  response.flushHeaders();
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const cut = Math.min(fault.cutAfterBytes ?? Infinity, fault.stallAfterBytes ?? Infinity);
  for (let at = start; at < end && !response.destroyed; ) {
    const bytes = Math.min(CHUNK, end - at, cut - log.bytesSent, Math.max(1, (fault.bytesPerSecond ?? Infinity) / 50));
    if (bytes <= 0) break;
    const chunk = await content.read(at - shift, at - shift + bytes);
    const sent = fault.wrongContent ? Buffer.from(chunk.map((byte) => byte ^ 0x55)) : chunk;
    log.bytesSent += sent.length;
    at += bytes;
    if (at >= end) onLast();
    // Handed to the system before a cut, which would drop what is still queued. The callback comes with an error, too.
    await new Promise<void>((resolve) => response.write(sent, () => resolve()));
    if (fault.bytesPerSecond !== undefined && at < end) await sleep(20);
  }
  if (fault.stallAfterBytes !== undefined && log.bytesSent >= fault.stallAfterBytes) return;
  if (log.bytesSent < end - start || fault.contentLength !== undefined) response.destroy();
  else response.end();
}

function parseRange(header: string | undefined, size: number): [number, number] | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (match === null) return undefined;
  const start = Number(match[1]);
  const end = match[2] === '' ? size : Math.min(size, Number(match[2]) + 1);
  return start >= end ? 'unsatisfiable' : [start, end];
}
