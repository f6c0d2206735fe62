import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import { parseBody } from '../wire/index.ts';
import type { ModelStorePort } from './ports.ts';

const ROUTE = '/ohmygpu/v1/aliases';
const aliasSchema = z.object({ alias: z.string().min(1), target: z.string().min(1).nullable() });

/** The user's short names. `target: null` takes one out. */
export function aliasRoutes(app: FastifyInstance, store: ModelStorePort): void {
  app.get(ROUTE, async () => ({ aliases: await store.aliases() }));
  const config = { body: aliasSchema };
  app.put(ROUTE, { config }, async (request) => {
    const { alias, target } = parseBody(aliasSchema, request.body);
    const existed = await store.setAlias(alias, target ?? undefined);
    if (target === null && !existed) {
      throw new OmgError('not_found', `There is no alias ${alias}.`, { hint: '`omg alias` lists them.' });
    }
    return { alias, target };
  });
}
