import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { OmgError } from '../errors/index.ts';
import { createHttpServer, type ServerOptions } from './http-server.ts';
import { running } from './pid-file.ts';

const PROBE_MS = 1000;

/** Listens on TCP. Port 0 takes a free one; the port in use is returned. Throws `port_in_use`, `permission_denied`. */
export async function listenTcp(app: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw await listenError(error, host, port);
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** A further TCP listener with the same routes. */
export async function listenAlso(app: FastifyInstance, host: string, port: number): Promise<Server> {
  const server = sharedServer(app, { isOwners: false });
  try {
    await listening(server, () => server.listen(port, host));
  } catch (error) {
    throw await listenError(error, host, port);
  }
  return server;
}

/** Listens on a Unix socket that only the owner can open, or on a Windows named pipe. A dead daemon's socket is removed first. */
export async function listenSocket(app: FastifyInstance, path: string): Promise<Server> {
  const isPipe = path.startsWith('\\\\');
  if (!isPipe) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await removeDeadSocket(path);
  }
  const server = sharedServer(app, { isOwners: true });
  // The mask holds while the socket is bound, so it is never open to others, not even for a moment.
  const mask = isPipe ? undefined : process.umask(0o177);
  try {
    await listening(server, () => {
      server.listen(path);
      if (mask !== undefined) process.umask(mask);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw running();
    throw new OmgError(
      'permission_denied',
      `The socket ${path} cannot be opened (${(error as NodeJS.ErrnoException).code}).`,
      {
        hint: 'Check the rights of its folder, or set server.socket (OMG_SOCKET).',
        cause: error,
      },
    );
  } finally {
    if (mask !== undefined) process.umask(mask);
  }
  if (!isPipe) await chmod(path, 0o600);
  return server;
}

/** Whether something accepts connections on the socket. */
export function socketAnswers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_MS, () => done(true));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

/** A server with the same routes that listens nowhere yet. */
export function sharedServer(app: FastifyInstance, options: ServerOptions): Server {
  const server = createHttpServer(app.routing, options);
  server.on('upgrade', (request, socket, head) => app.server.emit('upgrade', request, socket, head));
  return server;
}

function listening(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    start();
  });
}

async function removeDeadSocket(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new OmgError('conflict', `${path} is not a socket.`, {
      hint: 'Move the file away, or set server.socket (OMG_SOCKET).',
    });
  }
  if (await socketAnswers(path)) throw running();
  await rm(path, { force: true });
}

async function listenError(error: unknown, host: string, port: number): Promise<OmgError> {
  const code = (error as NodeJS.ErrnoException).code;
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (code === 'EADDRINUSE') {
    return new OmgError('port_in_use', `${await whoListens(host, port)} already listens on ${address}.`, {
      hint: 'Stop it, or choose another port: `omg serve --port <port>`.',
      detail: { host, port },
      cause: error,
    });
  }
  if (code === 'EACCES') {
    return new OmgError('permission_denied', `No permission to listen on ${address}.`, {
      hint: 'Ports below 1024 need rights; choose a higher one.',
      cause: error,
    });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new OmgError('invalid_config', `${host} is not an address of this machine.`, {
      hint: 'Set server.host to 127.0.0.1, or 0.0.0.0 for all.',
      cause: error,
    });
  }
  return OmgError.from(error);
}

async function whoListens(host: string, port: number): Promise<string> {
  const target = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  try {
    const reply = await fetch(`http://${target}:${port}/`, { signal: AbortSignal.timeout(PROBE_MS) });
    if (reply.headers.has('x-omg-version')) return 'Another omg daemon (with another home folder)';
    if ((await reply.text()).includes('Ollama is running')) return 'Ollama';
  } catch {
    // Whatever it is, it does not speak HTTP to us.
  }
  return 'Another program';
}
