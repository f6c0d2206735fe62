import type { FastifyReply } from 'fastify';
import type { CacheMiss, ChatEvent } from '../../inference/index.ts';

export type StartEvent = Extract<ChatEvent, { type: 'start' }>;

/** What a client hears in headers, before the first byte: turns that were dropped, and what was changed for the template. */
export function announceStart(
  reply: FastifyReply,
  { dropped, adapted }: Pick<StartEvent, 'dropped' | 'adapted'>,
): void {
  if (dropped !== undefined) reply.header('x-omg-truncated', `messages=${dropped.messages}`);
  if (adapted !== undefined) reply.header('x-omg-adapted', adapted.join(', '));
}

/**
 * The extension of a usage: what was changed for the template, and why the beginning of the prompt was not taken from the cache. Nothing where
 * there is nothing to say.
 */
export function usageExtension(
  start: Pick<StartEvent, 'adapted'> | undefined,
  end: Pick<Extract<ChatEvent, { type: 'end' }>, 'cacheMiss'>,
): { omg?: object } {
  const adapted = start?.adapted === undefined ? {} : { adapted: start.adapted };
  const missed = end.cacheMiss === undefined ? {} : { cache_miss_reason: cacheMissJson(end.cacheMiss) };
  const omg = { ...adapted, ...missed };
  return Object.keys(omg).length === 0 ? {} : { omg };
}

export function cacheMissJson({ reason, firstDifferingToken }: CacheMiss): object {
  return { type: reason, first_differing_token: firstDifferingToken };
}
