import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { OmgError } from '../../errors/index.ts';

declare module 'fastify' {
  interface FastifyReply {
    /** What ended a stream after its status line was out; for the log. */
    streamError?: OmgError;
  }
}

export interface StreamOptions {
  kind: 'ndjson' | 'sse';
  /** Another Content-Type than the kind's own. */
  contentType?: string;
  /** The frames that tell the client about an error after the status line is out; they end the stream. */
  failure: (error: OmgError) => string;
  /** SSE only: what keeps a silent connection alive; default a comment. */
  keepAlive?: string;
  /** Injected by tests. SSE only: silence before the status line is committed, and between keep-alive comments. */
  commitAfterMs?: number;
  pingEveryMs?: number;
}

const HEADERS = {
  ndjson: { 'content-type': 'application/x-ndjson' },
  sse: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' },
};

export function ndjson(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

export function sse(value: unknown, event?: string): string {
  return event === undefined
    ? `data: ${JSON.stringify(value)}\n\n`
    : `event: ${event}\ndata: ${JSON.stringify(value)}\n\n`;
}

/**
 * Writes frames as they come, one write each, as fast as the client reads. Nothing is sent before the first frame, so an
 * error until then is thrown and gets a real status; later errors become `failure` frames. An SSE client that waits long
 * is kept alive by comments, which commits the status line. Leaving early ends the source.
 */
export async function sendStream(
  reply: FastifyReply,
  frames: AsyncIterable<string>,
  options: StreamOptions,
): Promise<FastifyReply> {
  const raw = reply.raw;
  const iterator = frames[Symbol.asyncIterator]();
  let quiet = true;
  let committed = false;
  const commit = (): void => {
    if (committed) return;
    committed = true;
    reply.hijack();
    const own = options.contentType === undefined ? {} : { 'content-type': options.contentType };
    const headers = { ...reply.getHeaders(), ...HEADERS[options.kind], ...own };
    raw.writeHead(reply.statusCode, headers as Record<string, string>);
  };
  const ping = (): void => {
    commit();
    if (quiet && !raw.destroyed) raw.write(options.keepAlive ?? ': ping\n\n');
    quiet = true;
  };
  let interval: NodeJS.Timeout | undefined;
  const startPings = (): void => {
    interval ??= setInterval(ping, options.pingEveryMs ?? 15_000);
  };
  const first =
    options.kind === 'sse'
      ? setTimeout(() => {
          ping();
          startPings();
        }, options.commitAfterMs ?? 60_000)
      : undefined;
  try {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      if (!committed) {
        clearTimeout(first);
        commit();
        if (options.kind === 'sse') startPings();
      }
      quiet = false;
      if (raw.destroyed) break;
      if (!raw.write(next.value)) await drained(raw);
    }
  } catch (error) {
    if (!committed) throw error;
    reply.streamError = OmgError.from(error);
    if (!raw.destroyed) raw.write(options.failure(reply.streamError));
  } finally {
    clearTimeout(first);
    clearInterval(interval);
    if (raw.destroyed) await iterator.return?.();
    else if (committed) raw.end();
  }
  if (!committed) {
    commit();
    raw.end();
  }
  return reply;
}

/** Resolves when the client has read enough, or has gone. */
function drained(raw: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      raw.off('drain', done);
      raw.off('close', done);
      resolve();
    };
    raw.once('drain', done);
    raw.once('close', done);
    if (raw.destroyed) done();
  });
}
