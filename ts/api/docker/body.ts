import type { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import { parseBody } from '../wire/index.ts';

/** The body as the schema has it, with this surface's words for one that is missing and for a model that is. */
export function parseDockerBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  if (body === undefined || body === null) throw new OmgError('invalid_request', 'invalid request body');
  try {
    return parseBody(schema, body);
  } catch (error) {
    const isModel = error instanceof OmgError && error.detail?.param === 'model';
    const model = (body as { model?: unknown }).model;
    throw isModel && (model === undefined || model === null || model === '') ? modelRequired() : error;
  }
}

export function modelRequired(): OmgError {
  return new OmgError('invalid_request', 'model is required', { detail: { param: 'model' } });
}
