import type { Server } from 'node:http';
import { duplexPair } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Client } from '../client/index.ts';
import { sharedServer } from './listen.ts';

export interface OwnClientOptions {
  /** Sent with every request. */
  apiKey: string;
  /** Whether it is let in without a key, as over the Unix socket. */
  isTrusted: boolean;
}

/** Makes clients of this daemon that reach its routes within the process: the same checks, cancellation and streams, and no network. */
export function ownClients(app: FastifyInstance): (options: OwnClientOptions) => Client {
  let server: Server | undefined;
  return ({ apiKey, isTrusted }) =>
    new Client(
      [
        {
          createConnection() {
            server ??= sharedServer(app);
            const [near, far] = duplexPair();
            near.once('close', () => far.destroy());
            far.once('close', () => {
              if (!far.writableFinished) near.destroy();
            });
            if (!isTrusted) Object.assign(far, { remoteAddress: '127.0.0.1' });
            server.emit('connection', far);
            return near;
          },
        },
      ],
      apiKey,
    );
}
