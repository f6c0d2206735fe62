import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http';
import type { Caller } from '../api/wire/index.ts';
import { type ApiKey, type KeyRing, SCOPES } from '../keys/index.ts';

/** Who sends a request: the owner of the daemon, the holder of a key that is in force or was, or anybody. */
export type Asker = { kind: 'owner' } | { kind: 'key'; key: ApiKey } | { kind: 'anonymous' };

const fromOwner = new WeakSet<IncomingMessage>();

/**
 * Takes whoever reaches this server for the owner. For servers that nobody else can connect to: the Unix socket, the named pipe, the one
 * within the process that serves the owner's own sessions. Call it before other listeners are added.
 */
export function serveOwner(server: Server): void {
  const mark = (request: IncomingMessage): void => void fromOwner.add(request);
  server.on('request', mark);
  server.on('upgrade', mark);
}

/**
 * The one place that decides who is asking. What a peer has or lacks, its address above all, says nothing: a connection that was reset has
 * none. A request that no server of the owner has accepted comes from the network.
 */
export function whoAsks(request: { raw: IncomingMessage; headers: IncomingHttpHeaders }, keys: KeyRing): Asker {
  if (fromOwner.has(request.raw)) return { kind: 'owner' };
  const key = keys.find(secretsOf(request));
  return key === undefined ? { kind: 'anonymous' } : { kind: 'key', key };
}

/** What an asker may do. Where no key is needed, anybody who is let in may do what a key of every scope may, and no more. */
export function callerFor(asker: Asker, isKeyNeeded: boolean): Caller {
  if (asker.kind === 'owner') return { kind: 'owner', scopes: SCOPES };
  if (asker.kind === 'key') return { kind: 'key', keyId: asker.key.id, scopes: asker.key.scopes };
  return { kind: 'anonymous', scopes: isKeyNeeded ? [] : SCOPES };
}

/** The keys that a request sends. */
export function secretsOf({ headers }: { headers: IncomingHttpHeaders }): string[] {
  const bearer = /^Bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1]?.trim();
  return [bearer, headers['x-api-key']].filter((key) => typeof key === 'string');
}
