import { OmgError } from '../errors/index.ts';
import type { Embeddings, EmbedRequest, ScoreRequest, Scores } from './embed.ts';
import type { GenerateEvent, GenerateRequest } from './generate.ts';

export type * from './embed.ts';
export type * from './generate.ts';

/**
 * Everything a model can be asked to do; there is no other list. The last event of each kind has the type `end`. Typed arrays in an event
 * cross every border as bytes.
 */
export interface Work {
  generate: { request: GenerateRequest; event: GenerateEvent };
  embed: { request: EmbedRequest; event: Embeddings };
  score: { request: ScoreRequest; event: Scores };
}

export type WorkKind = keyof Work;

export type WorkRequest<Kind extends WorkKind> = Work[Kind]['request'] & {
  /** Bytes, such as those of an image, that the request refers to by index. */
  attachments?: Uint8Array[];
};

export type WorkEvent<Kind extends WorkKind = WorkKind> = Work[Kind]['event'];

/** The answer of work that answers once. Reads to the end, so that the work counts as finished. */
export async function lastEvent<Event>(events: AsyncIterable<Event>): Promise<Event> {
  let last: { event: Event } | undefined;
  for await (const event of events) last = { event };
  if (last === undefined) throw new OmgError('internal', 'The model ended without an answer.');
  return last.event;
}
