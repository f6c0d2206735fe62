import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { VERSION } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import { errorFromBody } from './errors.ts';

// An ESM import of node:http evaluates all its exports, among them WebSocket and fetch, which takes 200 ms.
const { request: httpRequest } = process.getBuiltinModule('node:http');

/** Where a daemon may listen. */
export type NetworkAddress = { socketPath: string } | { host: string; port: number; tls?: TlsTrust };

/** Whom to believe: who shows a certificate of this file, or else what the machine trusts. */
export interface TlsTrust {
  certFile?: string;
}

/** How a daemon may be reached. One that talks to itself makes its own connections. */
export type Address = NetworkAddress | { createConnection: () => Duplex };

export interface RequestOptions {
  body?: unknown;
  /** A body of raw bytes; opened once a connection is tried. */
  upload?: { open: () => Readable; size: number };
  signal?: AbortSignal;
  accept?: string;
}

/** One HTTP exchange with the daemon. Throws what its error body says, `daemon_not_running` when nothing listens. */
export class Transport {
  readonly #addresses: Address[];
  readonly #apiKey: string;

  constructor(addresses: Address[], apiKey = '') {
    this.#addresses = addresses;
    this.#apiKey = apiKey;
  }

  async json<Body>(method: string, path: string, options: RequestOptions = {}): Promise<Body> {
    const response = await this.open(method, path, options);
    const text = await readText(response);
    try {
      return (text === '' ? undefined : JSON.parse(text)) as Body;
    } catch (error) {
      throw new OmgError('internal', `The daemon's answer to ${method} ${path} is not JSON.`, { cause: error });
    }
  }

  /** The response once its status says success; the body is the caller's to read. */
  async open(method: string, path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    const response = await this.send(method, path, options);
    if (response.headers['x-omg-version'] === undefined) throw this.#stranger(response);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw errorFromBody(status, await readText(response));
  }

  /** The response whatever its status; the body is the caller's to read. */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    let response: IncomingMessage | undefined;
    for (const address of this.#addresses) {
      try {
        response = await this.#send(address, method, path, options);
        break;
      } catch (error) {
        if (options.signal?.aborted) throw new OmgError('cancelled', 'The request was cancelled.', { cause: error });
        if (!isAbsent(error)) throw connectionLost(error);
      }
    }
    if (response === undefined) {
      const addresses = this.#addresses.map(describe);
      throw new OmgError('daemon_not_running', `No daemon is running: nothing answers at ${addresses.join(' or ')}.`, {
        hint: 'Start it with `omg serve -d`.',
        detail: { addresses },
      });
    }
    return response;
  }

  /** Something answers on the address of the daemon, and it is no daemon: what it says is nothing to show. */
  #stranger(response: IncomingMessage): OmgError {
    response.destroy();
    const address = this.#addresses.map(describe).at(-1) ?? '';
    return new OmgError('port_in_use', `${address} is answered by another program, not by omg.`, {
      hint: 'Stop that program, or choose another port: `omg config set server.port 10700`.',
    });
  }

  #send(address: Address, method: string, path: string, options: RequestOptions): Promise<IncomingMessage> {
    const payload = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body));
    const { upload } = options;
    const { tls, ...target } = { tls: undefined, ...address };
    const send = tls === undefined ? httpRequest : process.getBuiltinModule('node:https').request;
    return new Promise((resolve, reject) => {
      const request = send(
        {
          ...target,
          ...(tls === undefined ? {} : trust(tls)),
          method,
          path,
          signal: options.signal,
          // Without an agent, unless the address makes the connection: an agent would not ask it.
          ...('createConnection' in address ? {} : { agent: false as const }),
          headers: {
            host: 'localhost',
            'user-agent': `omg/${VERSION}`,
            accept: options.accept ?? 'application/json',
            ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': payload.length }),
            ...(upload === undefined
              ? {}
              : { 'content-type': 'application/octet-stream', 'content-length': upload.size }),
            ...(this.#apiKey === '' ? {} : { authorization: `Bearer ${this.#apiKey}` }),
          },
        },
        resolve,
      );
      request.on('error', reject);
      if (upload === undefined) {
        request.end(payload);
        return;
      }
      const bytes = upload.open();
      bytes.on('error', (error) => request.destroy(error));
      request.on('close', () => bytes.destroy());
      bytes.pipe(request);
    });
  }
}

/** Lines of a body as they arrive, without their ends. Leaving the loop closes the connection. */
export async function* linesOf(response: IncomingMessage, signal?: AbortSignal): AsyncGenerator<string> {
  let rest = '';
  response.setEncoding('utf8');
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    if (signal?.aborted) throw new OmgError('cancelled', 'The request was cancelled.', { cause: error });
    throw connectionLost(error);
  } finally {
    response.destroy();
  }
  if (rest !== '') yield rest;
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (error) {
    throw connectionLost(error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The certificate of our own settings is believed for whatever name it stands: the address is ours too. */
function trust({ certFile }: TlsTrust): object {
  if (certFile === undefined) return {};
  return { ca: readFileSync(certFile), allowPartialTrustChain: true, checkServerIdentity: () => undefined };
}

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK';
}

function connectionLost(error: unknown): OmgError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EACCES' || code === 'EPERM') {
    return new OmgError('permission_denied', 'The socket of the daemon belongs to another user.', { cause: error });
  }
  return new OmgError('daemon_not_running', 'The connection to the daemon was lost.', {
    hint: 'See `omg logs`, and start it again with `omg serve -d`.',
    cause: error,
  });
}

function describe(address: Address): string {
  if ('socketPath' in address) return address.socketPath;
  return 'host' in address ? `${address.host}:${address.port}` : 'this process';
}
