import type { FastifyRequest } from 'fastify';
import type { Scope } from '../../keys/index.ts';

/** Who sends a request and what it may do. The daemon decides it once, before any handler runs; it travels with the request. */
export interface Caller {
  /** `owner`: over a socket that only the daemon's own user can open. */
  readonly kind: 'owner' | 'key' | 'anonymous';
  /** The id of the API key that it came with. */
  readonly keyId?: string;
  readonly scopes: readonly Scope[];
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Absent until it is decided. */
    caller?: Caller;
  }
}

const UNKNOWN: Caller = { kind: 'anonymous', scopes: [] };

/** Who sends a request; where that was not decided, somebody who may do nothing. */
export function callerOf({ caller }: FastifyRequest): Caller {
  return caller ?? UNKNOWN;
}

/** Tells apart who keeps things here, such as responses: one owner per API key, and one for all requests that need none. */
export function ownerOf(request: FastifyRequest): string {
  return callerOf(request).keyId ?? '';
}
