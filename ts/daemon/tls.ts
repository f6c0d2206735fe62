import { unwatchFile, watchFile } from 'node:fs';
import type { RequestListener, Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { OmgError } from '../errors/index.ts';
import { readRegularSync } from '../library/index.ts';
import { createHttpServer } from './http-server.ts';

/** Where the certificate (with its chain) and its private key are, in PEM. */
export interface TlsFiles {
  cert: string;
  key: string;
}

export interface TlsEvents {
  onReload: () => void;
  /** The certificate before stays in force. */
  onError: (error: OmgError) => void;
}

/** Renewals are rare; that the old certificate serves a little longer does no harm. */
const LOOK_EVERY_MS = 5000;
const PEM_LIMIT_BYTES = 1 << 20;

/** Makes the server that speaks TLS with these files. When they change, new connections get the new certificate. Throws `invalid_config`. */
export function tlsServerFactory(
  files: TlsFiles,
  events: TlsEvents,
  everyMs = LOOK_EVERY_MS,
): (handler: RequestListener) => Server {
  return (handler) => {
    const server = wrong(files, () => createHttpServer(handler, { isOwners: false, tls: readPair(files) }));
    const reload = (): void => {
      try {
        wrong(files, () => (server as unknown as SecureServer).setSecureContext(readPair(files)));
        events.onReload();
      } catch (error) {
        events.onError(OmgError.from(error));
      }
    };
    const paths = [files.cert, files.key];
    for (const path of paths) watchFile(path, { interval: everyMs, persistent: false }, reload);
    server.once('close', () => {
      for (const path of paths) unwatchFile(path, reload);
    });
    return server;
  };
}

function readPair({ cert, key }: TlsFiles): { cert: Buffer; key: Buffer } {
  return { cert: readRegularSync(cert, PEM_LIMIT_BYTES), key: readRegularSync(key, PEM_LIMIT_BYTES) };
}

function wrong<Value>({ cert, key }: TlsFiles, use: () => Value): Value {
  try {
    return use();
  } catch (error) {
    throw new OmgError('invalid_config', `TLS cannot start with ${cert} and ${key}.`, {
      hint: `Both must be readable PEM files that belong together (${error instanceof Error ? error.message : String(error)}).`,
      cause: error,
    });
  }
}
