import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseKeepAlive } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { contentDigest } from '../../library/index.ts';
import type { Models, RunningModel } from '../../lifecycle/index.ts';
import { disconnectSignal, engineOf, mayManage, optional, parseBody } from '../wire/index.ts';
import { importRoute } from './import.ts';
import { modelJson, pullJson } from './model-json.ts';
import type { ModelStorePort } from './ports.ts';

const startSchema = z.object({ context_length: optional(z.number().int().min(4)), keep_alive: z.unknown().optional() });
const gcSchema = z.object({ dry_run: optional(z.boolean()), partial: optional(z.boolean()) });
const BASE = '/ohmygpu/v1/models';

/** The store and the life cycle of single models. Names hold slashes, so an action is the end of the path. */
export function modelRoutes(app: FastifyInstance, models: Models, store: ModelStorePort): void {
  app.get<{ Querystring: { installed?: string } }>(BASE, async (request) => {
    const withPlaces = mayManage(request);
    const installed = (await models.list()).map((model) =>
      modelJson(model, { running: runningOf(models, contentDigest(model.record)), withPlaces }),
    );
    if (request.query.installed === 'true') return { models: installed };
    const coming = models
      .pulls()
      .map((job) => ({ id: job.model, name: job.model, state: 'downloading', download: pullJson(job) }));
    return { models: [...installed, ...coming] };
  });
  app.get<{ Params: { '*': string } }>(`${BASE}/*`, (request) => one(models, request.params['*'], mayManage(request)));
  app.post(`${BASE}/gc`, { config: { body: gcSchema } }, async (request) => {
    const { dry_run: dryRun = false, partial = false } = parseBody(gcSchema, request.body ?? {});
    const { removed, freedBytes, unfinished } = await store.gc({ dryRun, partial });
    return { removed, freed_bytes: freedBytes, unfinished };
  });
  importRoute(app, `${BASE}/import`, store, (name) => one(models, name, true));
  app.post<{ Params: { '*': string }; Querystring: Record<string, string | undefined> }>(
    `${BASE}/*`,
    async (request, reply) => {
      const match = /^(.+)\/(start|stop)$/.exec(request.params['*']);
      if (match === null) throw new OmgError('not_found', `There is no route POST ${request.url.split('?', 1)[0]}.`);
      const name = match[1] ?? '';
      return match[2] === 'start' ? start(models, name, request, reply) : stop(models, name, request.query.timeout);
    },
  );
}

function runningOf(models: Models, digest: string): RunningModel | undefined {
  return models.running().find(({ record }) => contentDigest(record) === digest);
}

async function one(models: Models, name: string, withPlaces: boolean): Promise<object> {
  const model = await models.resolve(name);
  const running = runningOf(models, contentDigest(model.record));
  return modelJson(model, { running, pull: models.pulls().find((job) => job.model === name), withPlaces });
}

async function start(
  models: Models,
  name: string,
  request: FastifyRequest<{ Querystring: Record<string, string | undefined> }>,
  reply: FastifyReply,
): Promise<unknown> {
  const body = parseBody(startSchema, request.body ?? {});
  const use = {
    keepAliveMs: parseKeepAlive(body.keep_alive),
    contextLength: body.context_length,
    engine: engineOf(request),
  };
  const model = await models.resolve(name);
  if (request.query.wait === 'true') {
    const timeoutMs = seconds(request.query.timeout);
    const gone = disconnectSignal(reply);
    const signal = timeoutMs === undefined ? gone : AbortSignal.any([gone, AbortSignal.timeout(timeoutMs)]);
    await models.load(name, { ...use, signal });
    return one(models, name, true);
  }
  // Whoever does not wait learns of a failure from the events or the next request.
  models.load(name, use).catch(() => {});
  return reply
    .code(202)
    .send(modelJson(model, { running: runningOf(models, contentDigest(model.record)), withPlaces: true }));
}

/** Answers under way are finished first, or for `timeout` seconds. */
async function stop(models: Models, name: string, timeout: string | undefined): Promise<object> {
  const stopped = await models.unload(name, { abortAfterMs: seconds(timeout) });
  return { stopped, state: 'stopped' };
}

function seconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) {
    throw new OmgError('invalid_request', 'timeout must be a number of seconds', { detail: { param: 'timeout' } });
  }
  return value * 1000;
}
