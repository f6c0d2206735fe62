import type { FastifyReply } from 'fastify';

/**
 * Aborts when the client goes away before the reply is complete, streaming or not. The request's own 'close' event does not
 * serve: Node also emits it when the body has been read.
 */
export function disconnectSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    if (!reply.raw.writableFinished) controller.abort();
  };
  if (reply.raw.destroyed) abort();
  else reply.raw.once('close', abort);
  return controller.signal;
}
