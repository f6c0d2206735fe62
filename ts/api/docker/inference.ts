import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod, RouteOptions } from 'fastify';
import type { EngineKind } from '../../inference/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import { disconnectSignal, engineOf } from '../wire/index.ts';
import { assertBackend } from './backends.ts';
import { modelRequired } from './body.ts';
import type { DockerDeps } from './ports.ts';

const SHARED =
  /^\/v1\/(?:chat\/completions|completions|embeddings|images\/generations|messages(?:\/count_tokens)?|responses(?:\/.*)?|rerank|score)$/;
const MODELS = /^\/v1\/models(?:\/\*)?$/;
/** These also answer without the version, and the last ones below `/engines` too. */
const BARE = /^\/v1(?=\/(?:responses(?:\/.*)?|rerank|score)$)/;
const BARE_ENGINES = /^\/v1(?=\/(?:rerank|score)$)/;

/** The routes of the other dialects below `/engines[/{backend}]`, whatever they are by now. */
export function inferenceRoutes(app: FastifyInstance, deps: DockerDeps): void {
  const known = new Set(deps.routes.flatMap(({ method, url }) => [method].flat().map((verb) => `${verb} ${url}`)));
  const alias = (route: RouteOptions, url: string, handler: RouteHandlerMethod): void => {
    const method = [route.method].flat().filter((verb) => verb !== 'HEAD' && !known.has(`${verb} ${url}`));
    for (const verb of method) known.add(`${verb} ${url}`);
    if (method.length > 0) app.route({ method, url, config: route.config, exposeHeadRoute: false, handler });
  };
  for (const route of deps.routes) {
    const isModels = MODELS.test(route.url) && route.method === 'GET';
    if (!isModels && !SHARED.test(route.url)) continue;
    const handler = isModels ? asDocker(route) : asEngine(route, deps.models);
    for (const base of ['/engines', '/engines/:backend']) {
      alias(route, base + route.url, handler);
      if (BARE_ENGINES.test(route.url)) alias(route, base + route.url.replace(BARE_ENGINES, ''), handler);
    }
    if (BARE.test(route.url)) alias(route, route.url.replace(BARE, ''), handler);
    if (route.url.startsWith('/v1/messages')) alias(route, `/anthropic${route.url}`, handler);
  }
}

function asEngine(route: RouteOptions, models: Models): RouteHandlerMethod {
  return async function (request, reply) {
    assertBackend(backendOf(request));
    const body = fieldsOf(request.body);
    if (request.headers['x-preload-only'] === 'true') return preload(models, body?.model, reply, engineOf(request));
    return route.handler.call(this, request, reply);
  };
}

/** The same models, owned by docker. */
function asDocker(route: RouteOptions): RouteHandlerMethod {
  return async function (request, reply) {
    assertBackend(backendOf(request));
    const answer = fieldsOf(await route.handler.call(this, request, reply));
    if (!Array.isArray(answer?.data)) return { ...answer, owned_by: 'docker' };
    return { ...answer, data: answer.data.map((model: object) => ({ ...model, owned_by: 'docker' })) };
  };
}

async function preload(
  models: Models,
  name: unknown,
  reply: FastifyReply,
  engine: EngineKind | undefined,
): Promise<FastifyReply> {
  if (typeof name !== 'string' || name === '') throw modelRequired();
  await models.load(name, { signal: disconnectSignal(reply), engine });
  return reply.code(200).send();
}

function backendOf(request: FastifyRequest): string | undefined {
  return (request.params as { backend?: string }).backend;
}

function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
