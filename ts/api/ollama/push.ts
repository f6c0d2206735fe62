import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import { optional, parseBody } from '../wire/index.ts';
import { modelRequired, resolveModel } from './errors.ts';

export const pushSchema = z.object({
  model: optional(z.string()),
  name: optional(z.string()),
  insecure: optional(z.boolean()),
  stream: optional(z.boolean()),
});

/** POST /api/push. There is no registry to push to yet, which both forms say with a status, before the first line. */
export async function push(models: Models, request: FastifyRequest): Promise<never> {
  const body = parseBody(pushSchema, request.body);
  const name = body.model || body.name;
  if (!name) throw modelRequired();
  await resolveModel(models, name);
  throw new OmgError('not_implemented', 'push is not supported', {
    hint: 'Upload the files of `omg show` to the hub with its own tools.',
  });
}
