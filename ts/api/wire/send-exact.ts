import type { FastifyReply } from 'fastify';
import { exactJson } from '../../inference/index.ts';

/** The body of a reply in which JSON of the model's stands as it was written. */
export function sendExact(reply: FastifyReply, body: object): string {
  reply.type('application/json; charset=utf-8');
  return exactJson(body);
}
