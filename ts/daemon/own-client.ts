import type { Server } from 'node:http';
import { duplexPair } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Client } from '../client/index.ts';
import { sharedServer } from './listen.ts';

export interface OwnClientOptions {
  /** Sent with every request. */
  apiKey: string;
  /** Whether it is the owner's, as over the Unix socket. */
  isTrusted: boolean;
}

/** Makes clients of this daemon that reach its routes within the process: the same checks, cancellation and streams, and no network. */
export function ownClients(app: FastifyInstance): (options: OwnClientOptions) => Client {
  const servers = new Map<boolean, Server>();
  const serverFor = (isOwners: boolean): Server => {
    const server = servers.get(isOwners) ?? sharedServer(app, { isOwners });
    servers.set(isOwners, server);
    return server;
  };
  return ({ apiKey, isTrusted }) =>
    new Client(
      [
        {
          createConnection() {
            const [near, far] = duplexPair();
            near.once('close', () => far.destroy());
            far.once('close', () => {
              if (!far.writableFinished) near.destroy();
            });
            serverFor(isTrusted).emit('connection', far);
            return near;
          },
        },
      ],
      apiKey,
    );
}
