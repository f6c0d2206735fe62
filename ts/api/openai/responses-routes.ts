import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import { ownerOf, parseBody, TEXT_BODY } from '../wire/index.ts';
import { responses } from './responses.ts';
import { responsesSchema } from './responses-schema.ts';
import type { KeptResponses, ResponseStore, StoredResponse } from './responses-store.ts';

type ById = { Params: { id: string } };

/** `{prefix}/responses`, and what becomes of a response afterwards. Prefixes of one daemon share a store. */
export function responseRoutes(app: FastifyInstance, models: Models, store: ResponseStore, prefix: string): void {
  app.post(
    `${prefix}/responses`,
    { config: { body: responsesSchema, bodyLimits: TEXT_BODY, summary: 'Answer with a response that is kept' } },
    (request, reply) => responses(models, store.of(ownerOf(request)), request, reply),
  );
  app.get<ById>(`${prefix}/responses/:id`, async (request) => {
    const { stream } = parseBody(z.object({ stream: z.string().optional() }), request.query);
    if (stream === 'true') {
      throw new OmgError('unsupported', 'A kept response cannot be streamed.', { detail: { param: 'stream' } });
    }
    return find(store.of(ownerOf(request)), request.params.id).response;
  });
  app.get<ById>(`${prefix}/responses/:id/input_items`, async (request) =>
    page(find(store.of(ownerOf(request)), request.params.id), parseBody(pageSchema, request.query)),
  );
  app.delete<ById>(`${prefix}/responses/:id`, async (request) => {
    const { id } = request.params;
    const kept = store.of(ownerOf(request));
    find(kept, id);
    kept.delete(id);
    return { id, object: 'response', deleted: true };
  });
}

function find(store: KeptResponses, id: string): StoredResponse {
  const stored = store.get(id);
  if (stored !== undefined) return stored;
  throw new OmgError('not_found', `There is no response ${id}.`, {
    hint: 'Responses are kept for an hour, and not beyond a restart.',
    detail: { param: 'response_id' },
  });
}

const pageSchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  order: z.enum(['asc', 'desc']).default('desc'),
  after: z.string().optional(),
});

function page({ input }: StoredResponse, { limit, order, after }: z.output<typeof pageSchema>): object {
  const items = order === 'asc' ? input : input.toReversed();
  const start = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && start === 0) {
    throw new OmgError('invalid_request', `after: there is no item ${after}`, { detail: { param: 'after' } });
  }
  const data = items.slice(start, start + limit);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + data.length < items.length,
  };
}
