import type { FastifyReply } from 'fastify';
import { exactJson } from '../../inference/index.ts';

/** As `ndjson`, for a line with JSON of the model's, which stands in it as it was written; that takes several times as long. */
export function exactNdjson(value: object): string {
  return `${exactJson(value)}\n`;
}

/** The body of a reply in which JSON of the model's stands as it was written. */
export function sendExact(reply: FastifyReply, body: object): string {
  reply.type('application/json; charset=utf-8');
  return exactJson(body);
}
