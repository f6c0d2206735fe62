import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import type { InstalledModel, Models } from '../../lifecycle/index.ts';
import { parseBody } from '../wire/index.ts';

const querySchema = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(20),
  after_id: z.string().optional(),
  before_id: z.string().optional(),
});

/** GET /anthropic/v1/models and …/{id…}, which is also where /v1/models leads clients of Anthropic. */
export function modelRoutes(app: FastifyInstance, models: Models): void {
  app.get('/anthropic/v1/models', async (request, reply) => {
    reply.header('request-id', request.id);
    return page((await models.list()).map(modelJson), parseBody(querySchema, request.query));
  });
  app.get('/anthropic/v1/models/*', async (request: FastifyRequest, reply: FastifyReply) => {
    reply.header('request-id', request.id);
    const { '*': id } = request.params as { '*': string };
    return modelJson(await models.resolve(id));
  });
}

interface ModelJson {
  type: 'model';
  id: string;
  display_name: string;
  created_at: string;
}

function modelJson({ name, record }: InstalledModel): ModelJson {
  const id = name.replace(/:latest$/, '');
  return { type: 'model', id, display_name: id, created_at: record.installedAt.replace(/\.\d+Z$/, 'Z') };
}

function page(all: ModelJson[], query: z.output<typeof querySchema>): object {
  const at = (id: string): number => {
    const index = all.findIndex((model) => model.id === id);
    if (index === -1) throw new OmgError('invalid_request', `There is no model ${id} to go on from.`);
    return index;
  };
  const before = query.before_id === undefined ? undefined : all.slice(0, at(query.before_id));
  const rest = before ?? all.slice(query.after_id === undefined ? 0 : at(query.after_id) + 1);
  const data = before === undefined ? rest.slice(0, query.limit) : rest.slice(-query.limit);
  return {
    data,
    has_more: rest.length > data.length,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}
