import type { FastifyInstance } from 'fastify';
import type { Models } from '../../lifecycle/index.ts';
import { disconnectSignal, sendStream, sse } from '../wire/index.ts';
import { openSocket } from './event-socket.ts';

/** GET /ohmygpu/v1/events, as server-sent events or over a WebSocket. */
export function eventRoutes(app: FastifyInstance, models: Models): void {
  app.route({
    method: 'GET',
    url: '/ohmygpu/v1/events',
    exposeHeadRoute: false,
    handler: (_request, reply) =>
      sendStream(reply, frames(models, disconnectSignal(reply)), { kind: 'sse', failure: () => '' }),
    wsHandler: (socket) => openSocket(socket, models),
  });
}

async function* frames(models: Models, signal: AbortSignal): AsyncGenerator<string> {
  const events = models.events(signal);
  // The reader knows that it listens once the status line is out, so that goes first.
  yield ': listening\n\n';
  for await (const event of events) yield sse(event);
}
