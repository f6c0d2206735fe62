import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OmgError } from '../errors/index.ts';
import { hostOf, isLocalHost, OriginPolicy } from './origins.ts';

export interface AccessRules {
  origins: readonly string[];
  /** Empty: no key is asked for. */
  apiKey: string;
  /** Check Host headers: when the listener is bound to loopback only. */
  checkHost: boolean;
}

const OPEN_PATHS = new Set(['/', '/health', '/api/version']);

/** Host and Origin checks, CORS headers and preflights, the API key. Requests over the Unix socket skip Host and key. */
export function installAccess(app: FastifyInstance, rules: AccessRules): void {
  const policy = new OriginPolicy(rules.origins);
  const wanted = rules.apiKey === '' ? undefined : digest(rules.apiKey);
  app.addHook('onRequest', async (request, reply) => {
    const overSocket = isOverSocket(request);
    if (rules.checkHost && !overSocket && !isLocalHost(hostOf(request.headers.host))) return refuse(reply);
    const origin = request.headers.origin;
    if (origin !== undefined && origin !== '' && !isOwnOrigin(request, origin)) {
      if (!policy.allows(origin)) return refuse(reply);
      reply.header('access-control-allow-origin', policy.allowsAll ? '*' : origin);
      reply.header(
        'access-control-expose-headers',
        'x-request-id, request-id, x-omg-version, x-omg-truncated, mcp-session-id',
      );
      if (!policy.allowsAll) reply.header('vary', 'Origin');
      if (request.method === 'OPTIONS') return preflight(request, reply);
    }
    if (request.method === 'OPTIONS') return reply.code(204).send();
    if (wanted !== undefined && !overSocket && !isOpen(request) && !hasKey(request, wanted)) {
      throw new OmgError('unauthorized', 'An API key is needed: it was missing or wrong.', {
        hint: 'Send `Authorization: Bearer <key>` or `x-api-key: <key>`.',
      });
    }
  });
}

function refuse(reply: FastifyReply): FastifyReply {
  return reply.code(403).send();
}

function isOwnOrigin(request: FastifyRequest, origin: string): boolean {
  return origin === `http://${request.headers.host}` || origin === `https://${request.headers.host}`;
}

function preflight(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE, HEAD');
  reply.header('access-control-max-age', '43200');
  const asked = request.headers['access-control-request-headers'];
  if (asked !== undefined) reply.header('access-control-allow-headers', asked);
  if (request.headers['access-control-request-private-network'] === 'true') {
    reply.header('access-control-allow-private-network', 'true');
  }
  return reply.code(204).send();
}

function isOpen(request: FastifyRequest): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && OPEN_PATHS.has(request.url.split('?', 1)[0] ?? '');
}

function hasKey(request: FastifyRequest, wanted: Buffer): boolean {
  return keysOf(request).some((key) => timingSafeEqual(digest(key), wanted));
}

/** The keys that a request sends. */
export function keysOf({ headers }: FastifyRequest): string[] {
  const bearer = /^Bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1]?.trim();
  return [bearer, headers['x-api-key']].filter((key) => typeof key === 'string');
}

/** Whether it came over the Unix socket, which only the daemon's own user can open. */
export function isOverSocket({ raw }: FastifyRequest): boolean {
  return raw.socket.remoteAddress === undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
