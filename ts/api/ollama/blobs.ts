import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OmgError } from '../../errors/index.ts';

/** Uploaded files, by the sha256 of their bytes. */
export interface BlobPort {
  has(sha256: string): Promise<boolean>;
  /** Streams the bytes into the store. Throws `invalid_request` when they have another hash, `disk_full`. */
  put(sha256: string, bytes: AsyncIterable<Uint8Array>, size?: number): Promise<void>;
}

const DIGEST = /^sha256[:-]([0-9a-fA-F]{64})$/;

/** The 64 hex digits of `sha256:…` or `sha256-…`. Throws `invalid_request`. */
export function parseDigest(text: string, param = 'digest'): string {
  const digits = DIGEST.exec(text)?.[1];
  if (digits === undefined) throw new OmgError('invalid_request', 'invalid digest format', { detail: { param } });
  return digits.toLowerCase();
}

type Request = FastifyRequest<{ Params: { digest: string } }>;

/** HEAD /api/blobs/:digest: 200 or 404, no body. */
export async function headBlob(blobs: BlobPort, request: Request, reply: FastifyReply): Promise<unknown> {
  const found = await blobs.has(parseDigest(request.params.digest));
  return reply.code(found ? 200 : 404).send();
}

/** POST /api/blobs/:digest: 201 when stored, 200 when it was there. */
export async function putBlob(blobs: BlobPort, request: Request, reply: FastifyReply): Promise<unknown> {
  const sha256 = parseDigest(request.params.digest);
  const bytes = request.body as Readable | undefined;
  if (await blobs.has(sha256)) {
    // Read to its end, since clients do not look for an answer before they have sent everything.
    if (bytes !== undefined) for await (const _ of bytes);
    return reply.code(200).send();
  }
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  await blobs.put(sha256, arriving(bytes), Number.isSafeInteger(length) ? length : undefined);
  return reply.code(201).send();
}

async function* arriving(bytes: Readable | undefined): AsyncGenerator<Uint8Array> {
  try {
    yield* (bytes ?? []) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new OmgError('cancelled', 'The client went away while it sent the file.', { cause: error });
  }
}
