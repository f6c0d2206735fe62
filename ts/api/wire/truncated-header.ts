import type { FastifyReply } from 'fastify';
import type { ReadText } from '../../inference/index.ts';

/** Says how many texts were cut. */
export function truncatedHeader(reply: FastifyReply, texts: readonly ReadText[]): void {
  const cut = texts.filter(({ truncated }) => truncated).length;
  if (cut > 0) reply.header('x-omg-truncated', `texts=${cut}`);
}
