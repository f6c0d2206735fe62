import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** The id of the API key that it came with; absent where none was asked for. */
    keyId?: string;
  }
}

/** Tells apart who keeps things here, such as responses: one owner per API key, and one for all requests that need none. */
export function ownerOf({ keyId }: FastifyRequest): string {
  return keyId ?? '';
}
