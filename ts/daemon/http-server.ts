import type { RequestListener, Server } from 'node:http';
import { cutStalledBodies } from './stalled-bodies.ts';
import { serveOwner } from './who-asks.ts';

// An ESM import of node:http evaluates all its exports, among them WebSocket and fetch: 14 MB and 200 ms for nothing.
const { createServer } = process.getBuiltinModule('node:http');

export interface ServerOptions {
  /** Whether nobody but the owner of the daemon can connect to it. */
  isOwners: boolean;
  /** Certificate and private key in PEM: it speaks TLS. */
  tls?: { cert: Buffer; key: Buffer };
  limits?: Partial<ServerLimits>;
}

export interface ServerLimits {
  /** For the headers of a request, from its first byte or the opening of the connection; with TLS for the handshake as well. */
  headersMs: number;
  /** Without progress of a body; a whole request may take for ever. */
  stalledBodyMs: number;
  /** Between two requests of a connection. */
  keepAliveMs: number;
  /** Beyond so many at once further connections are closed. */
  connections: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headersMs: 60_000,
  stalledBodyMs: 60_000,
  keepAliveMs: 75_000,
  connections: 4096,
};

const MAX_HEADER_BYTES = 16_384;
/** How often Node looks for headers that are late. */
const LOOK_EVERY_MS = 10_000;

/** Makes every HTTP server of the daemon, so that all of them hold to the same limits. It listens nowhere yet. */
export function createHttpServer(handler: RequestListener, { isOwners, tls, limits }: ServerOptions): Server {
  const { headersMs, stalledBodyMs, keepAliveMs, connections } = { ...SERVER_LIMITS, ...limits };
  const options = {
    headersTimeout: headersMs,
    connectionsCheckingInterval: Math.min(LOOK_EVERY_MS, headersMs),
    // An upload over a slow line takes hours; what is limited is how long it may stand still.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const server =
    tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tls, handshakeTimeout: headersMs });
  server.maxConnections = connections;
  if (isOwners) serveOwner(server);
  cutStalledBodies(server, stalledBodyMs);
  server.on('request', handler);
  return server;
}

function createTlsServer(options: object): Server {
  // It has everything of an HTTP server that is used here, and its own type.
  return process.getBuiltinModule('node:https').createServer(options) as unknown as Server;
}
