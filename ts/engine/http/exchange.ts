import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { OmgError } from '../../errors/index.ts';

/** Where an engine listens: a URL, or a Unix socket that the URL's path is asked of. */
export interface Endpoint {
  url: string;
  socketPath?: string;
  /** Goes to this origin only; redirects are not followed. */
  key?: string;
  headers?: Record<string, string>;
}

export interface Exchange {
  method?: 'GET' | 'POST';
  path: string;
  body?: unknown;
  signal?: AbortSignal;
}

const CONNECT_MS = 2_000;
/** An engine that says nothing for so long between two pieces of an answer hangs. */
const SILENCE_MS = 120_000;
const LARGEST_REPLY = 64 << 20;
const LARGEST_ERROR = 64 << 10;

/** A reply with another status than 2xx. `body` is its JSON, or its text. */
export class RefusedExchange extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfter: string | undefined;

  constructor(status: number, body: unknown, retryAfter?: string) {
    super(`The engine answered with status ${status}.`);
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

/** Sends a request and resolves with the reply, its headers read. Throws `RefusedExchange`, `cancelled`, `engine_unavailable`. */
export async function exchange(at: Endpoint, { method, path, body, signal }: Exchange): Promise<IncomingMessage> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  if (signal?.aborted) throw cancelled();
  const target = new URL(`${at.url.replace(/\/$/, '')}${path}`);
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const asked = send(target, {
      method: method ?? (text === undefined ? 'GET' : 'POST'),
      ...(at.socketPath === undefined ? {} : { socketPath: at.socketPath }),
      headers: {
        accept: 'application/json, text/event-stream',
        ...at.headers,
        ...(at.key === undefined ? {} : { authorization: `Bearer ${at.key}` }),
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
    const late = setTimeout(() => asked.destroy(new Error(`no connection within ${CONNECT_MS / 1000} s`)), CONNECT_MS);
    asked.on('socket', (socket) => {
      const connected = (): void => clearTimeout(late);
      if (socket.connecting) socket.once('connect', connected);
      else connected();
    });
    asked.on('error', (error) => {
      clearTimeout(late);
      reject(signal?.aborted ? cancelled() : unreachable(at, error));
    });
    asked.on('response', resolve);
    asked.end(text);
  });
  const status = reply.statusCode ?? 0;
  if (status >= 200 && status < 300) return reply;
  const said = await readText(reply, LARGEST_ERROR).catch(() => '');
  throw new RefusedExchange(status, parsed(said), reply.headers['retry-after']);
}

/** A request that is answered with one JSON document. Throws what `exchange` throws, and `engine_error` for what is no JSON. */
export async function exchangeJson(at: Endpoint, asked: Exchange): Promise<unknown> {
  const reply = await exchange(at, asked);
  const text = await readText(reply, LARGEST_REPLY).catch((error: unknown) => {
    throw asked.signal?.aborted ? cancelled() : unreachable(at, error);
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OmgError('engine_error', 'The engine answered with something that is not JSON.', {
      detail: { reply: text.slice(0, 200) },
      cause: error,
    });
  }
}

/** The bytes of a reply as they come. Throws `cancelled`, and `engine_unavailable` when they stop coming. */
export async function* bytesOf(at: Endpoint, reply: IncomingMessage, signal?: AbortSignal): AsyncGenerator<Buffer> {
  reply.setTimeout(SILENCE_MS, () => reply.destroy(new Error(`silent for ${SILENCE_MS / 1000} s`)));
  try {
    for await (const chunk of reply) yield chunk as Buffer;
  } catch (error) {
    throw signal?.aborted ? cancelled() : unreachable(at, error);
  } finally {
    reply.destroy();
  }
}

async function readText(reply: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of reply) {
    size += (chunk as Buffer).length;
    if (size > limit) throw new Error('the reply is too long');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function unreachable(at: Endpoint, error: unknown): OmgError {
  const reason = error instanceof Error ? error.message || error.name : String(error);
  const { origin } = new URL(at.url);
  return new OmgError(
    'engine_unavailable',
    `The engine at ${at.socketPath === undefined ? origin : 'its socket'} does not answer: ${reason}.`,
    {
      hint: 'Check that it runs; `omg ps` shows what is loaded.',
      cause: error,
    },
  );
}

function cancelled(): OmgError {
  return new OmgError('cancelled', 'The request was cancelled.');
}
