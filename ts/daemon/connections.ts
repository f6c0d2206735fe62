import { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OmgError } from '../errors/index.ts';
import type { Log } from './log.ts';
import { UnreadSockets } from './unread-sockets.ts';

export interface ConnectionRules {
  /** How long what was written may stand unread before the connection is closed. */
  unreadMs: number;
  log?: Log;
}

/** Requests under way at once, waiting ones with them. */
const MOST_REQUESTS = 4096;
/** Requests that one connection may have sent ahead of their answers. */
const MOST_AHEAD = 16;
const MOST_LISTENERS = 20;
/** An answer that takes longer is not waited for with a body unread: that would hide whether the client is still there. */
const BODY_PATIENCE_MS = 1000;

/** Keeps any one client from holding more than its share: unread answers, requests sent ahead, and how many there are at once. */
export function limitConnections(app: FastifyInstance, { unreadMs, log }: ConnectionRules): void {
  const unread = new UnreadSockets(unreadMs, () =>
    log?.info({ code: 'answer_not_read' }, 'a connection was closed because nothing was read from it'),
  );
  const lines = new WeakMap<Socket, Line>();
  let open = 0;
  app.addHook('onRequest', async (request, reply) => {
    const { socket } = request.raw;
    // What is injected comes over no socket.
    if (!(socket instanceof Socket)) return;
    if (socket.destroyed) throw gone();
    const line = lines.get(socket) ?? new Line(socket);
    lines.set(socket, line);
    const place = line.join(() => {
      open -= 1;
    });
    open += 1;
    // Every part that has to end with an answer listens once, and those are more than Node takes for a leak.
    reply.raw.setMaxListeners(MOST_LISTENERS);
    reply.raw.once('close', place.leave);
    if (open > MOST_REQUESTS && !request.url.startsWith('/health')) throw tooMany(open);
    unread.watch(socket);
    await line.reach(place, request);
  });
  app.addHook('onClose', async () => unread.close());
}

interface Place {
  before: Promise<void>;
  /** Idempotent. */
  leave: () => void;
  /** Of the line, this place with it. */
  length: number;
}

/**
 * The requests of one connection, one after another: Node hands them over as they come, but nothing tells the later ones that
 * the connection has gone, nor can their answers be sent.
 */
class Line {
  readonly #socket: Socket;
  /** Ends the wait for each request that is not answered yet. */
  readonly #unanswered = new Set<() => void>();
  #last: Promise<void> = Promise.resolve();

  constructor(socket: Socket) {
    this.#socket = socket;
    // An answer that has not begun to be sent does not hear of it.
    socket.once('close', () => {
      for (const leave of this.#unanswered) leave();
    });
  }

  /** A place at the end. `onLeft` is called once it is left, at the latest when the connection closes. */
  join(onLeft: () => void): Place {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    const leave = (): void => {
      if (!this.#unanswered.delete(leave)) return;
      resolve();
      onLeft();
    };
    this.#unanswered.add(leave);
    return { before, leave, length: this.#unanswered.size };
  }

  /** Resolves when the answers before this one have been sent. Throws `server_busy`, `invalid_request`, `cancelled`. */
  async reach({ before, length }: Place, request: FastifyRequest): Promise<void> {
    if (length === 1) return;
    if (length > MOST_AHEAD) throw tooMany(length);
    if (hasBody(request) && !(await settlesWithin(before, BODY_PATIENCE_MS))) {
      request.raw.resume();
      throw new OmgError('invalid_request', 'A request with a body came before the answer to the one before it.', {
        hint: 'Wait for the answer, or open another connection.',
      });
    }
    await before;
    if (this.#socket.destroyed) throw gone();
  }
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function settlesWithin(work: Promise<void>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    void work.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

function gone(): OmgError {
  return new OmgError('cancelled', 'The client went away while its request waited.');
}

function tooMany(count: number): OmgError {
  return new OmgError('server_busy', `There are ${count} requests under way already.`, {
    hint: 'Wait for answers before sending more.',
  });
}
