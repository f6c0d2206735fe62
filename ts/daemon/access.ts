import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OmgError } from '../errors/index.ts';
import { type ApiKey, KeyRing } from '../keys/index.ts';
import { KeyLimits } from './key-limits.ts';
import { KeyWatch } from './key-watch.ts';
import { hostOf, isLocalHost, OriginPolicy } from './origins.ts';
import { scopeOf } from './scopes.ts';
import { type Asker, callerFor, secretsOf, whoAsks } from './who-asks.ts';

export interface AccessRules {
  origins: readonly string[];
  /** A key that may do everything; empty: none. */
  apiKey: string;
  /** Where further keys are kept; absent: nowhere. */
  keysFile?: string;
  /** Ask for a key also where none exists, as beyond this machine; default false. */
  needsKey?: boolean;
  /** Check Host headers: when the listener is bound to loopback only. */
  checkHost: boolean;
  /** Told about a file of keys that became unreadable. */
  onKeyError?: (error: OmgError) => void;
}

export interface Access {
  /** The key of a request that was let in; empty where it sent none that is known. */
  secretOf(request: FastifyRequest): string;
  /** Calls `end` once the sender of a request may no longer make it. The returned function is called when that no longer matters. */
  hold(request: FastifyRequest, end: () => void): () => void;
}

const OPEN_PATHS = new Set(['/', '/health', '/api/version']);
const EXPOSED_HEADERS =
  'x-request-id, request-id, x-omg-version, x-omg-truncated, x-omg-adapted, mcp-session-id, retry-after';

/**
 * Host and Origin checks, CORS headers and preflights, API keys with their scopes and limits. Requests of the owner skip Host and key.
 * Once there is a key, every other request needs one.
 */
export function installAccess(app: FastifyInstance, rules: AccessRules): Access {
  const policy = new OriginPolicy(rules.origins);
  const keys = new KeyRing({ settingsKey: rules.apiKey, path: rules.keysFile, onError: rules.onKeyError });
  const limits = new KeyLimits();
  const watch = new KeyWatch();
  const isKeyNeeded = (): boolean => rules.needsKey === true || !keys.isOpen;
  /** The key that lets a request in; undefined where none is needed. Throws `unauthorized` and `forbidden`. */
  const admit = (request: FastifyRequest, asker: Asker): ApiKey | undefined => {
    if (asker.kind === 'owner' || !isKeyNeeded()) return undefined;
    const key = asker.kind === 'key' ? asker.key : undefined;
    checkKey(key, request);
    return key;
  };
  const isAdmitted = (request: FastifyRequest): boolean => {
    try {
      admit(request, whoAsks(request, keys));
      return true;
    } catch {
      return false;
    }
  };
  app.addHook('onRequest', async (request, reply) => {
    const asker = whoAsks(request, keys);
    request.caller = callerFor(asker, isKeyNeeded());
    if (rules.checkHost && asker.kind !== 'owner' && !isLocalHost(hostOf(request.headers.host))) return refuse(reply);
    const origin = request.headers.origin;
    if (origin !== undefined && origin !== '' && !isOwnOrigin(request, origin)) {
      if (!policy.allows(origin)) return refuse(reply);
      reply.header('access-control-allow-origin', policy.allowsAll ? '*' : origin);
      reply.header('access-control-expose-headers', EXPOSED_HEADERS);
      if (!policy.allowsAll) reply.header('vary', 'Origin');
      if (request.method === 'OPTIONS') return preflight(request, reply);
    }
    if (request.method === 'OPTIONS') return reply.code(204).send();
    if (asker.kind === 'owner' || isOpen(request)) return;
    const key = admit(request, asker);
    // Calls of MCP come back as requests of their own, and its streams are open for as long as a session.
    const isCounted = key !== undefined && request.routeOptions.url !== '/mcp';
    const leave = isCounted ? limits.enter(key) : () => {};
    const { socket } = request.raw;
    // An answer may be long under way, and ends with the right to it.
    const release = watch.hold(
      () => !socket.destroyed && isAdmitted(request),
      () => {
        socket.destroy();
        leave();
      },
    );
    reply.raw.once('close', () => {
      release();
      leave();
    });
  });
  return {
    secretOf: (request) => secretsOf(request).find((secret) => keys.find([secret]) !== undefined) ?? '',
    hold: (request, end) => watch.hold(() => isAdmitted(request), end),
  };
}

/** Throws `unauthorized` and `forbidden`. */
function checkKey(key: ApiKey | undefined, request: FastifyRequest): asserts key is ApiKey {
  if (key === undefined) {
    throw new OmgError('unauthorized', 'An API key is needed: it was missing or wrong.', {
      hint: 'Send `Authorization: Bearer <key>` or `x-api-key: <key>`; omg itself takes the key from OMG_API_KEY.',
    });
  }
  if (key.expires !== undefined && Date.parse(key.expires) <= Date.now()) {
    throw new OmgError('unauthorized', `The API key "${key.name}" has expired.`, {
      hint: 'Make a new one: `omg keys create`.',
    });
  }
  const url = request.routeOptions.url;
  const scope = url === undefined ? undefined : scopeOf(request.method, url);
  if (scope !== undefined && !key.scopes.includes(scope)) {
    throw new OmgError('forbidden', `The API key "${key.name}" lacks the scope "${scope}".`, {
      hint: `It has ${key.scopes.join(', ')}. Make one that has it: \`omg keys create --scope ${scope}\`.`,
    });
  }
}

/** For whoever meets it in a browser. It says nothing that a page of a stranger could not know. */
const REFUSAL =
  'omg does not answer this origin or host. Its owner can allow origins with server.origins (OMG_ORIGINS).\n';

function refuse(reply: FastifyReply): FastifyReply {
  return reply.code(403).type('text/plain; charset=utf-8').send(REFUSAL);
}

/**
 * Whether a page of the daemon itself asks. Only under a host that is this machine's: any other may be a name that a page's owner has pointed
 * here, which is then both the host and the origin.
 */
function isOwnOrigin(request: FastifyRequest, origin: string): boolean {
  if (request.headers.host === undefined || !isLocalHost(hostOf(request.headers.host))) return false;
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
