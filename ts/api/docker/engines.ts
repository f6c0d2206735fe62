import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { formatDuration, VERSION } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { contentDigest } from '../../library/index.ts';
import { type Models, mainWork, type RunningModel, WORK_KINDS } from '../../lifecycle/index.ts';
import { list, optional } from '../wire/index.ts';
import { assertBackend, BACKEND, BACKENDS } from './backends.ts';
import { parseDockerBody } from './body.ts';
import type { Configurations } from './configuration.ts';
import { configureSchema } from './configuration-file.ts';
import type { DockerDeps } from './ports.ts';

const unloadSchema = z.object({
  all: optional(z.boolean()),
  backend: optional(z.string()),
  models: optional(list(z.string())),
});
const backendSchema = z.object({ backend: z.string().min(1), version: optional(z.string()) });

/** `/engines/*` but for inference: what runs, and what it may take. */
export function engineRoutes(app: FastifyInstance, deps: DockerDeps, configurations: Configurations): void {
  const { models } = deps;
  app.get('/engines/status', () => status(deps));
  app.get('/engines/ps', async () => models.running().map(runnerJson));
  app.get('/engines/df', () => diskUsage(models));
  app.post('/engines/unload', { config: { body: unloadSchema } }, async (request) => ({
    unloaded_runners: await unload(models, parseDockerBody(unloadSchema, request.body)),
  }));
  app.get<{ Querystring: { model?: string } }>('/engines/_configure', (request) =>
    configurations.list(request.query.model),
  );
  for (const url of ['/engines/_configure', '/engines/:backend/_configure']) {
    app.post<{ Params: { backend?: string } }>(url, { config: { body: configureSchema } }, async (request, reply) => {
      const { backend } = request.params;
      assertBackend(backend);
      await configurations.configure(request.body, backend ?? BACKEND);
      return reply.code(202).send();
    });
  }
  app.get('/engines/requests', async () => {
    throw new OmgError('not_found', 'No requests are recorded: they hold what people wrote.');
  });
  // The engine is part of the program: there is nothing to bring and nothing to take away.
  for (const url of ['/engines/install-backend', '/engines/uninstall-backend']) {
    app.post(url, { config: { body: backendSchema } }, async (request, reply) => {
      assertBackend(parseDockerBody(backendSchema, request.body).backend);
      return reply.code(200).send();
    });
  }
}

async function status({ devices }: DockerDeps): Promise<Record<string, string>> {
  const state = await devices().then(
    (found) => `Running: omg ${VERSION} on ${found.map(({ name }) => name).join(', ')}`,
    (error: unknown) => `Error: ${OmgError.from(error).message}`,
  );
  return Object.fromEntries(BACKENDS.map((name) => [name, state]));
}

function runnerJson({ name, state, details, engine, activeRequests, lastUsedAt, expiresAt }: RunningModel): object {
  return {
    backend_name: engine === undefined || engine.kind === 'native' ? BACKEND : engine.kind,
    model_name: name,
    mode: WORK_KINDS[mainWork(details)].mode,
    last_used: new Date(lastUsedAt ?? Date.now()).toISOString(),
    ...(activeRequests > 0 ? { in_use: true } : {}),
    ...(state === 'starting' ? { loading: true } : {}),
    ...(expiresAt === undefined || lastUsedAt === undefined
      ? {}
      : { keep_alive: expiresAt === Number.POSITIVE_INFINITY ? '-1' : formatDuration(expiresAt - lastUsedAt) }),
  };
}

/** Files that several names share count once; what comes with the program is not in the store. */
async function diskUsage(models: Models): Promise<object> {
  const files = new Map<string, number>();
  for (const { record } of await models.list()) {
    if (record.source.scheme === 'bundled') continue;
    for (const { sha256, size } of record.artifacts) files.set(sha256, size);
  }
  return {
    models_disk_usage: [...files.values()].reduce((sum, size) => sum + size, 0),
    default_backend_disk_usage: 0,
  };
}

/** Those that answer right now are left alone. */
async function unload(
  models: Models,
  { all, backend, models: names = [] }: z.output<typeof unloadSchema>,
): Promise<number> {
  if (backend) assertBackend(backend);
  const wanted = new Set<string>();
  for (const name of all === true ? [] : names) wanted.add(contentDigest((await models.resolve(name)).record));
  const idle = models.running().filter(({ record, state, activeRequests, queuedRequests }) => {
    const isIdle = state === 'running' && activeRequests + queuedRequests === 0;
    return isIdle && (all === true || wanted.has(contentDigest(record)));
  });
  const unloaded = await Promise.all(idle.map(({ record }) => models.unload(`sha256:${record.digest}`)));
  return unloaded.filter(Boolean).length;
}
