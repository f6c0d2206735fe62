import type { RequestListener, Server } from 'node:http';
import { serveOwner } from './who-asks.ts';

// An ESM import of node:http evaluates all its exports, among them WebSocket and fetch: 14 MB and 200 ms for nothing.
const { createServer } = process.getBuiltinModule('node:http');

export interface ServerOptions {
  /** Whether nobody but the owner of the daemon can connect to it. */
  isOwners: boolean;
  /** Certificate and private key in PEM: it speaks TLS. */
  tls?: { cert: Buffer; key: Buffer };
}

/** Makes every HTTP server of the daemon, so that all of them hold to the same limits. It listens nowhere yet. */
export function createHttpServer(handler: RequestListener, { isOwners, tls }: ServerOptions): Server {
  const options = { keepAliveTimeout: 75_000, requestTimeout: 0 };
  const server = tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tls });
  if (isOwners) serveOwner(server);
  server.on('request', handler);
  return server;
}

function createTlsServer(options: object): Server {
  // It has everything of an HTTP server that is used here, and its own type.
  return process.getBuiltinModule('node:https').createServer(options) as unknown as Server;
}
