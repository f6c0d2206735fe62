import type { FastifyRequest } from 'fastify';
import { OmgError } from '../../errors/index.ts';
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

/** Whether the sender may change what is installed, loaded and configured, and see where it lies. */
export function mayManage(request: FastifyRequest): boolean {
  return callerOf(request).scopes.includes('manage');
}

/** Throws `forbidden` where the sender may not manage; `what` is what that would be needed for. */
export function requireManage(request: FastifyRequest, what: string): void {
  if (mayManage(request)) return;
  throw new OmgError('forbidden', `The API key lacks the scope "manage": it cannot ${what}.`, {
    hint: 'Make one that has it: `omg keys create --scope inference,manage`.',
  });
}

/** Tells apart who keeps things here, such as responses: one owner per API key, and one for all requests that need none. */
export function ownerOf(request: FastifyRequest): string {
  return callerOf(request).keyId ?? '';
}
