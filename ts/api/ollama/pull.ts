import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Models, PullSpec } from '../../lifecycle/index.ts';
import { disconnectSignal, ndjson, optional, parseBody, pullLines, sendStream } from '../wire/index.ts';
import { modelRequired, ollamaErrorBody } from './errors.ts';

export const pullSchema = z.object({
  model: optional(z.string()),
  name: optional(z.string()),
  stream: optional(z.boolean()),
  force: optional(z.boolean()),
});

/** POST /api/pull */
export async function pull(models: Models, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const body = parseBody(pullSchema, request.body);
  const model = body.model || body.name;
  if (!model) throw modelRequired();
  const spec: PullSpec = { model, ...(body.force === true ? { force: true } : {}) };
  const signal = disconnectSignal(reply);
  if (body.stream === false) {
    for await (const _ of models.pull(spec).watch(signal)) {
      // Only the end counts here; what goes wrong is thrown and keeps its status.
    }
    return { status: 'success' };
  }
  return sendStream(reply, frames(models, spec, signal), {
    kind: 'ndjson',
    failure: (error) => ndjson(ollamaErrorBody(error)),
  });
}

async function* frames(models: Models, spec: PullSpec, signal: AbortSignal): AsyncGenerator<string> {
  // The first line goes out before the hub is asked, as clients of Ollama see it.
  const progress = { [Symbol.asyncIterator]: () => models.pull(spec).watch(signal)[Symbol.asyncIterator]() };
  for await (const line of pullLines(progress)) yield ndjson(line);
}
