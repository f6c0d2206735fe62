import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import { disconnectSignal, optional, requireManage } from '../wire/index.ts';
import { parseDockerBody } from './body.ts';
import { createModel, createSchema } from './create.ts';
import { deleteModel, purge } from './delete.ts';
import { modelJson, modelList, remoteModelJson } from './model-json.ts';
import type { DockerDeps } from './ports.ts';
import { Turns } from './turns.ts';

const MOST_PULLS = 2;

const repackageSchema = z.object({ target: z.string().min(1), context_size: optional(z.number().int().min(1)) });

type Named = { Params: { '*': string }; Querystring: Record<string, string | undefined> };

/** `/models*`: the store. Names hold slashes, so an action is the end of the path. */
export function modelRoutes(app: FastifyInstance, deps: DockerDeps): void {
  const { models } = deps;
  const turns = new Turns(MOST_PULLS);
  app.get('/models', async () => modelList(await models.list()));
  app.post('/models/create', { config: { body: createSchema } }, (request, reply) =>
    createModel(models, turns, request, reply),
  );
  app.post('/models/load', { config: { rawBody: true } }, async () => {
    throw notImplemented('Loading a model from a tar archive');
  });
  app.get<Named>('/models/*', (request, reply) => {
    const name = request.params['*'];
    if (name.endsWith('/export')) throw notImplemented('Exporting a model as a tar archive');
    if (request.query.remote !== 'true') return one(deps, name);
    // The hub shows more to the token of the owner than to others.
    requireManage(request, 'ask the hub');
    return remote(deps, name, disconnectSignal(reply));
  });
  app.post<Named>('/models/*', async (request, reply) => {
    const [, name = '', action] = /^(.+)\/(tag|push|repackage)$/.exec(request.params['*']) ?? [];
    if (action === undefined)
      throw new OmgError('not_found', `There is no route POST ${request.url.split('?', 1)[0]}.`);
    if (action === 'push') throw notImplemented('Pushing a model');
    const reply201 =
      action === 'tag' ? await tag(deps, name, request.query) : await repackage(deps, name, request.body);
    return reply.code(201).send(reply201);
  });
  app.delete('/models/purge', async (_request, reply) => {
    await purge(models);
    return reply.code(200).send();
  });
  app.delete<Named>('/models/*', (request) =>
    deleteModel(models, request.params['*'].trim(), request.query.force === 'true'),
  );
}

async function one({ models }: DockerDeps, name: string): Promise<object> {
  const model = await models.resolve(name);
  const same = (await models.list()).filter(({ record }) => record.digest === model.record.digest);
  return modelJson(
    model,
    same.map((other) => other.name),
    true,
  );
}

async function remote(deps: DockerDeps, name: string, signal: AbortSignal): Promise<object> {
  return remoteModelJson(await deps.remoteModel(name.trim(), signal));
}

async function tag({ models }: DockerDeps, name: string, query: Named['Querystring']): Promise<object> {
  const { repo, tag } = query;
  if (!repo || !tag) throw new OmgError('invalid_request', 'missing repo or tag query parameter');
  const target = `${repo}:${tag}`;
  await models.copy(name, target);
  return { message: `Model tagged successfully with ${JSON.stringify(target)}`, target };
}

/** A second name for the same files, perhaps with a window of its own. */
async function repackage({ models }: DockerDeps, source: string, body: unknown): Promise<object> {
  const { target, context_size } = parseDockerBody(repackageSchema, body);
  await models.copy(source, target, { contextLength: context_size });
  return { message: `Model repackaged successfully as ${JSON.stringify(target)}`, source, target };
}

function notImplemented(what: string): OmgError {
  return new OmgError('not_implemented', `${what} is not supported by this version.`);
}
