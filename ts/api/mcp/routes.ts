import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Client } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { HttpSession } from '../../mcp/index.ts';
import { type BodyLimits, TEXT_BODY } from '../wire/index.ts';
import { McpSessions } from './sessions.ts';

export interface McpDeps {
  /** A client of this daemon that may do what the sender of the request may. */
  clientFor: (request: FastifyRequest) => Client;
  /** Calls `end` once the sender may no longer do what it did; the returned function is called when that no longer matters. */
  hold: (request: FastifyRequest, end: () => void) => () => void;
  /** Tells senders apart: sessions belong to the one who opened them. */
  senderOf: (request: FastifyRequest) => string;
}

const messageSchema = z.looseObject({ jsonrpc: z.literal('2.0'), method: z.string().optional() });

/** The SDK checks every message of a batch to the end, which is dear; what a tool takes is text and not much else. */
const LIMITS: BodyLimits = { ...TEXT_BODY, values: 5_000 };

/** The headers that the transport reads. The body is JSON whatever its type says. */
const HEADERS = ['accept', 'mcp-session-id', 'mcp-protocol-version', 'last-event-id'];

/** The Model Context Protocol over Streamable HTTP. Its code is loaded when the first client comes. */
export async function mcpRoutes(app: FastifyInstance, deps: McpDeps): Promise<void> {
  const sessions = new McpSessions();
  app.addHook('preClose', () => sessions.close());
  app.post('/mcp', { config: { body: messageSchema, bodyLimits: LIMITS } }, async (request, reply) => {
    const session = await sessionFor(request);
    const gone = (): void => {
      if (!reply.raw.writableFinished) session.cancel(request.body);
    };
    reply.raw.once('close', gone);
    return send(session, request, reply);
  });
  const resume = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    send(known(request), request, reply);
  app.get('/mcp', { exposeHeadRoute: false }, resume);
  app.delete('/mcp', resume);

  async function sessionFor(request: FastifyRequest): Promise<HttpSession> {
    const mcp = await import('../../mcp/index.ts');
    if (request.headers['mcp-session-id'] !== undefined || !mcp.opensSession(request.body)) return known(request);
    const open = async (): Promise<HttpSession> => {
      const client = deps.clientFor(request);
      const session = await mcp.openHttpSession(
        async () => client,
        () => sessions.delete(session.id),
      );
      return session;
    };
    return sessions.add(deps.senderOf(request), open, (end) => deps.hold(request, end));
  }

  function known(request: FastifyRequest): HttpSession {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string') {
      throw new OmgError('invalid_request', 'The header Mcp-Session-Id is missing.', {
        hint: 'A session begins with an initialize request.',
      });
    }
    const session = sessions.find(id, deps.senderOf(request));
    if (session !== undefined) return session;
    throw new OmgError('not_found', 'There is no such MCP session.', {
      hint: 'It may have been idle for too long, or the daemon was started again. Initialize a new one.',
    });
  }

  async function send(session: HttpSession, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const release = sessions.use(session);
    reply.raw.once('close', release);
    const headers = HEADERS.flatMap((name): [string, string][] => {
      const value = request.headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    });
    const response = await session.handle(
      new Request('http://localhost/mcp', {
        method: request.method,
        headers: [...headers, ['content-type', 'application/json']],
      }),
      request.body,
    );
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(response.status, { ...reply.getHeaders(), ...Object.fromEntries(response.headers) } as Record<
      string,
      string
    >);
    // A stream may be silent for long; its reader waits for the status line.
    raw.flushHeaders();
    if (response.body === null) raw.end();
    // A reader that goes away is no failure.
    else await pipeline(Readable.fromWeb(response.body as ReadableStream), raw).catch(() => {});
    return reply;
  }
}
