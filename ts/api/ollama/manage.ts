import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import { optional, parseBody } from '../wire/index.ts';
import { modelRequired } from './errors.ts';

export const nameSchema = z.object({ model: optional(z.string()), name: optional(z.string()) });
export const copySchema = z.object({ source: optional(z.string()), destination: optional(z.string()) });

/** DELETE /api/delete: 200 with an empty body. */
export async function remove(models: Models, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const body = parseBody(nameSchema, request.body);
  const name = body.model || body.name;
  if (!name) throw modelRequired();
  await renamed(() => models.remove(name), {
    model_not_found: `model '${name}' not found`,
    invalid_model_name: `name "${name}" is invalid`,
  });
  return reply.code(200).send();
}

/** POST /api/copy: 200 with an empty body. */
export async function copy(models: Models, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { source = '', destination = '' } = parseBody(copySchema, request.body);
  if (source === '') throw new OmgError('invalid_model_name', 'source "" is invalid', { detail: { param: 'source' } });
  if (destination === '')
    throw new OmgError('invalid_model_name', 'destination "" is invalid', { detail: { param: 'destination' } });
  await renamed(() => models.resolve(source), {
    model_not_found: `model "${source}" not found`,
    invalid_model_name: `source "${source}" is invalid`,
  });
  await renamed(() => models.copy(source, destination), {
    invalid_model_name: `destination "${destination}" is invalid`,
  });
  return reply.code(200).send();
}

/** Gives errors the texts that Ollama's clients know. */
async function renamed(run: () => Promise<unknown>, texts: Partial<Record<string, string>>): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    const error = OmgError.from(thrown);
    const text = texts[error.code];
    if (text === undefined) throw error;
    throw new OmgError(error.code, text, { hint: error.hint ?? error.message, detail: error.detail, cause: error });
  }
}
