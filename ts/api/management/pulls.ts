import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import { displayName } from '../../library/index.ts';
import type { Models, PullJob, PullSpec } from '../../lifecycle/index.ts';
import {
  detailedPullLines,
  disconnectSignal,
  ndjson,
  optional,
  outlineJson,
  parseBody,
  sendStream,
} from '../wire/index.ts';
import { errorLine } from './error-line.ts';
import { pullJson } from './model-json.ts';
import type { ManagementDeps } from './ports.ts';

const schema = z.object({
  model: z.string().min(1),
  revision: optional(z.string()),
  file: optional(z.string()),
  quant: optional(z.string()),
  stream: optional(z.boolean()),
  force: optional(z.boolean()),
});

const previewSchema = schema.omit({ stream: true, force: true });

/** POST /v1/models/pull, GET and DELETE /v1/models/pull/{id}, POST /v1/models/preview. */
export function pullRoutes(app: FastifyInstance, models: Models, previewModel: ManagementDeps['previewModel']): void {
  app.post('/v1/models/preview', { config: { body: previewSchema } }, async (request, reply) => {
    const spec = parseBody(previewSchema, request.body);
    const { name, source, quant, totalBytes, files, outline } = await previewModel(spec, disconnectSignal(reply));
    return {
      name: displayName(name),
      repo: source.reference,
      size: totalBytes,
      files: files.map(({ filename, size }) => ({ name: filename, size })),
      ...(quant === undefined ? {} : { quant }),
      ...(outline === undefined ? {} : outlineJson(outline)),
    };
  });
  app.post('/v1/models/pull', { config: { body: schema } }, async (request, reply) => {
    const { stream, ...spec } = parseBody(schema, request.body);
    if (stream === true) {
      return sendStream(reply, frames(models, spec, disconnectSignal(reply)), {
        kind: 'ndjson',
        failure: errorLine,
      });
    }
    const job = models.pull(spec);
    job.detach();
    await resolved(job);
    if (job.state.status === 'success') return pullJson(job);
    return reply.code(202).send(pullJson(job));
  });
  app.get<{ Params: { id: string } }>('/v1/models/pull/:id', async (request) =>
    pullJson(find(models, request.params.id)),
  );
  app.delete<{ Params: { id: string } }>('/v1/models/pull/:id', async (request) => {
    const job = find(models, request.params.id);
    await job.cancel();
    return pullJson(job);
  });
}

/** How long the answer waits for the hub to say whether there is anything to bring. */
const RESOLVING_MS = 3_000;

/** Waits until it is known whether files have to come. */
async function resolved(job: PullJob): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), RESOLVING_MS);
  try {
    for await (const { status } of job.watch(late.signal)) if (status !== 'waiting' && status !== 'resolving') break;
  } catch {
    // What went wrong is in the state of the pull, where who started it looks.
  } finally {
    clearTimeout(timer);
  }
}

function find(models: Models, id: string): PullJob {
  const job = models.findPull(id);
  if (job === undefined)
    throw new OmgError('not_found', `There is no pull ${id}.`, { hint: 'Pulls are kept for an hour.' });
  return job;
}

async function* frames(models: Models, spec: PullSpec, signal: AbortSignal): AsyncGenerator<string> {
  for await (const line of detailedPullLines(models.pull(spec).watch(signal))) yield ndjson(line);
}
