import type { Readable } from 'node:stream';
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import { BodyRoom } from './body-room.ts';
import { disconnectSignal } from './disconnect.ts';
import { parseJson, takeParsed } from './json.ts';
import { JsonThreads } from './json-threads.ts';

const MIB = 1024 * 1024;

/** What a body may come to, unpacked. */
export interface BodyLimits {
  bytes: number;
  /** Values of its JSON; see `JsonBounds`. */
  values: number;
}

/** Names, switches, settings: what a route takes that does not say otherwise. */
export const SMALL_BODY: BodyLimits = { bytes: MIB, values: 10_000 };

/** What people and programs write for a model: 32 MiB of text and what stands around it. */
export const TEXT_BODY: BodyLimits = { bytes: 33 * MIB, values: 150_000 };

/** What is larger is parsed in a thread. Below, it takes a few milliseconds and less than the way there and back. */
const LARGE_BYTES = 256 * 1024;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads the body itself. */
    rawBody?: boolean;
    /** Absent: `SMALL_BODY`. */
    bodyLimits?: BodyLimits;
    /** What the body must be, for the description of the API. */
    body?: z.ZodType;
    summary?: string;
  }
}

export interface BodyParserOptions {
  /** For routes that do not say. */
  limits?: BodyLimits;
  /** Default: one of its own. */
  room?: BodyRoom;
}

/**
 * Bodies are JSON whatever the Content-Type says, plain or compressed with gzip, deflate or zstd; an empty body is
 * `undefined`. Each route has its limits, and all bodies together have a room. Throws `invalid_json`, `body_too_large`, `invalid_request` for
 * JSON that is nested too deep, `server_busy`.
 */
export function installBodyParser(
  app: FastifyInstance,
  { limits = SMALL_BODY, room = new BodyRoom() }: BodyParserOptions = {},
): void {
  const threads = new JsonThreads();
  app.addHook('onClose', () => threads.close());
  const replies = new WeakMap<FastifyRequest, FastifyReply>();
  app.addHook('onRequest', async (request, reply) => {
    replies.set(request, reply);
    // Without the header Fastify neither refuses a media type nor picks another parser.
    if (request.routeOptions.config?.rawBody !== true) delete request.raw.headers['content-type'];
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    const { rawBody, bodyLimits = limits } = request.routeOptions.config ?? {};
    if (rawBody === true) return payload;
    const place = room.open();
    const reply = replies.get(request);
    // What was parsed of it lives as long as the answer.
    reply?.raw.once('close', place.free).once('finish', place.free);
    const bytes = await readBody(request, payload, bodyLimits.bytes, (count) => place.take(count));
    const bounds = { maxValues: bodyLimits.values };
    if (bytes.length <= LARGE_BYTES || reply === undefined) return takeParsed(parseJson(bytes, bounds));
    return threads.parse(bytes, bounds, disconnectSignal(reply));
  });
}

async function readBody(
  request: FastifyRequest,
  payload: Readable,
  limitBytes: number,
  onBytes: (count: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = (): OmgError =>
    new OmgError('body_too_large', `The request body is over the limit of ${limitBytes} bytes.`, {
      detail: { limitBytes },
    });
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge();
  const encoding = String(request.headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase();
  const source = decoder(encoding, payload);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // The request itself is not destroyed, or its connection would end before the answer is out.
    for await (const chunk of source.iterator({ destroyOnReturn: source !== payload }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limitBytes) throw tooLarge();
      onBytes(chunk.length);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof OmgError) throw error;
    if (payload.errored !== null)
      throw new OmgError('cancelled', 'The client went away while it sent the request.', { cause: error });
    throw new OmgError('invalid_request', `The request body is not valid ${encoding} data.`, { cause: error });
  }
  return joined(chunks, size);
}

/** In memory of its own, which can be handed to a thread. */
function joined(chunks: Buffer[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(size));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function decoder(encoding: string, payload: Readable): Readable {
  switch (encoding) {
    case 'identity':
    case '':
      return payload;
    case 'gzip':
    case 'x-gzip':
      return chain(payload, createGunzip());
    case 'deflate':
      return chain(payload, createInflate());
    case 'zstd':
      return chain(payload, createZstdDecompress());
    default:
      throw new OmgError('invalid_request', `The content encoding "${encoding.slice(0, 40)}" is not supported.`, {
        hint: 'Send the body plain, or with gzip, deflate or zstd.',
      });
  }
}

function chain(payload: Readable, transform: ReturnType<typeof createGunzip>): Readable {
  payload.on('error', (error) => transform.destroy(error));
  return payload.pipe(transform);
}
