import type { Readable } from 'node:stream';
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { OmgError } from '../../errors/index.ts';

/** Base64 images make bodies large; 256 MiB, also after decompression. */
export const BODY_LIMIT_BYTES = 256 * 1024 * 1024;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads the body itself. */
    rawBody?: boolean;
    /** What the body must be, for the description of the API. */
    body?: z.ZodType;
    summary?: string;
  }
}

/**
 * Bodies are JSON whatever the Content-Type says, plain or compressed with gzip, deflate or zstd; an empty body is
 * `undefined`. Throws `invalid_json`, `body_too_large`.
 */
export function installBodyParser(app: FastifyInstance, limitBytes = BODY_LIMIT_BYTES): void {
  app.addHook('onRequest', async (request) => {
    // Without the header Fastify neither refuses a media type nor picks another parser.
    if (request.routeOptions.config?.rawBody !== true) delete request.raw.headers['content-type'];
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    if (request.routeOptions.config?.rawBody === true) return payload;
    return parseJson(await readBody(request, payload, limitBytes));
  });
}

async function readBody(request: FastifyRequest, payload: Readable, limitBytes: number): Promise<Buffer> {
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
    for await (const chunk of source as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limitBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof OmgError) throw error;
    if (payload.errored !== null)
      throw new OmgError('cancelled', 'The client went away while it sent the request.', { cause: error });
    throw new OmgError('invalid_request', `The request body is not valid ${encoding} data.`, { cause: error });
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
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
      throw new OmgError('invalid_request', `The content encoding "${encoding}" is not supported.`, {
        hint: 'Send the body plain, or with gzip, deflate or zstd.',
      });
  }
}

function chain(payload: Readable, transform: ReturnType<typeof createGunzip>): Readable {
  payload.on('error', (error) => transform.destroy(error));
  return payload.pipe(transform);
}

function parseJson(bytes: Buffer): unknown {
  const text = bytes.toString('utf8').trim();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OmgError(
      'invalid_json',
      `The request body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
