import { randomUUID } from 'node:crypto';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { isInitializeRequest, isJSONRPCRequest, type RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { DaemonClient } from './daemon-client.ts';
import { createMcpServer } from './server.ts';

/** One client's session over Streamable HTTP. */
export interface HttpSession {
  readonly id: string;
  /** Answers one exchange; `body` is the parsed one of a POST. */
  handle(request: Request, body: unknown): Promise<Response>;
  /** Ends the calls that a POST with this body made: nobody will read their results. */
  cancel(body: unknown): void;
  close(): Promise<void>;
}

/** Whether a POST with this body asks for a new session. */
export function opensSession(body: unknown): boolean {
  return [body].flat().some((message) => isInitializeRequest(message));
}

/** A session that has not seen its first request yet. `onEnd` is called when the client ended it. */
export async function openHttpSession(daemon: DaemonClient, onEnd: () => void): Promise<HttpSession> {
  const id = randomUUID();
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => id,
    onsessionclosed: onEnd,
  });
  const server = createMcpServer(daemon);
  await server.connect(transport);
  return {
    id,
    handle: (request, body) => transport.handleRequest(request, { parsedBody: body }),
    cancel(body) {
      for (const requestId of requestIdsOf(body)) {
        const params = { requestId, reason: 'The client went away.' };
        transport.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
      }
    },
    close: () => server.close(),
  };
}

function requestIdsOf(body: unknown): RequestId[] {
  return [body].flat().flatMap((message) => (isJSONRPCRequest(message) ? [message.id] : []));
}
