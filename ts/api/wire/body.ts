import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import { type BodyPlace, BodyRoom } from './body-room.ts';
import { disconnectSignal } from './disconnect.ts';
import { GrowingBytes } from './growing-bytes.ts';
import { parseJson, takeParsed } from './json.ts';
import { JsonThreads } from './json-threads.ts';
import { type Encoding, encodingOf, tooLarge, unpackSmall } from './unpack.ts';

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

/** What is larger is unpacked and parsed in a thread. Below, it takes a few milliseconds and less than the way there and back. */
const LARGE_BYTES = 256 * 1024;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads the body itself. */
    rawBody?: boolean;
    /** Absent: `SMALL_BODY`. */
    bodyLimits?: BodyLimits;
    /** What the body must be, for the description of the API. */
    body?: z.ZodType;
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
    const encoding = encodingOf(request.headers['content-encoding']);
    const sent = await readBody(request, payload, bodyLimits.bytes, place);
    const bounds = { maxValues: bodyLimits.values };
    const small = smallBody(sent.take(), encoding, bodyLimits.bytes);
    if (small !== undefined || reply === undefined) {
      const parsed = parseJson(small ?? sent.take(), bounds);
      sent.free();
      return takeParsed(parsed);
    }
    const job = { bytes: sent.take(), encoding, limitBytes: bodyLimits.bytes, bounds };
    const { parsed, size } = await threads.parse(job, disconnectSignal(reply));
    place.hold(size);
    return takeParsed(parsed);
  });
}

/** The body as it was sent. */
async function readBody(
  { headers }: FastifyRequest,
  payload: Readable,
  limitBytes: number,
  place: BodyPlace,
): Promise<GrowingBytes> {
  const announced = Number(headers['content-length'] ?? limitBytes);
  if (announced > limitBytes) throw tooLarge(limitBytes);
  const bytes = new GrowingBytes(Math.min(announced, limitBytes));
  let size = 0;
  try {
    // The request itself is not destroyed, or its connection would end before the answer is out.
    for await (const part of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += part.length;
      if (!bytes.push(part)) throw tooLarge(limitBytes);
      place.hold(size);
    }
  } catch (error) {
    bytes.free();
    if (error instanceof OmgError) throw error;
    throw new OmgError('cancelled', 'The client went away while it sent the request.', { cause: error });
  }
  return bytes;
}

/** What was sent, plain, where that is soon done; undefined where it is work for a thread. */
function smallBody(sent: Uint8Array, encoding: Encoding | undefined, limitBytes: number): Uint8Array | undefined {
  if (sent.length > LARGE_BYTES) return undefined;
  if (encoding === undefined) return sent;
  const small = unpackSmall(sent, encoding, Math.min(LARGE_BYTES, limitBytes));
  if (small === undefined && limitBytes <= LARGE_BYTES) throw tooLarge(limitBytes);
  return small;
}
