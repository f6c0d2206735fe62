import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { modelPath } from '../../library/index.ts';
import { optional, parseBody } from '../wire/index.ts';
import { modelOr } from './default-model.ts';
import type { ServiceDeps } from './ports.ts';

const DEVICE = /^(?:auto|cpu|metal|cuda:\d{1,3})$/;

type Device = 'auto' | 'cpu' | 'metal' | `cuda:${number}`;

/** Numbers may come as text, from a query. */
const count = (least: number, most: number) => optional(z.coerce.number().int().min(least).max(most));

const planSchema = z.object({
  model: optional(z.string()),
  context_length: count(4, 2 ** 31),
  max_sequences: count(1, 256),
  device: optional(
    z.custom<Device>((value) => typeof value === 'string' && DEVICE.test(value), 'must be auto, cpu, metal or cuda:N'),
  ),
});

/** GET and POST /v1/plan: the memory a model would take, from its headers alone. */
export function planRoutes(app: FastifyInstance, deps: ServiceDeps): void {
  const config = { body: planSchema };
  app.post('/v1/plan', { config }, (request) => plan(deps, request.body));
  app.get('/v1/plan', (request) => plan(deps, request.query));
}

async function plan(deps: ServiceDeps, asked: unknown): Promise<object> {
  const body = parseBody(planSchema, asked);
  const model = await deps.models.resolve(modelOr(deps.models, body.model));
  const memory = await deps.plan({
    path: modelPath(model.record),
    ...(body.device === undefined ? {} : { device: body.device }),
    ...(body.context_length === undefined ? {} : { contextLength: body.context_length }),
    ...(body.max_sequences === undefined ? {} : { maxSequences: body.max_sequences }),
  });
  return {
    object: 'memory_plan',
    model: model.name,
    fits: memory.fits,
    context_length: memory.contextLength,
    trained_context_length: model.details.trainedContextLength,
    weights_bytes: memory.weightsBytes,
    kv_bytes_per_token: memory.kvBytesPerToken,
    kv_bytes: memory.kvBytes,
    scratch_bytes: memory.scratchBytes,
    total_bytes: memory.totalBytes,
    available_bytes: memory.availableBytes,
  };
}
