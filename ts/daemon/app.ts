import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type HTTPMethods,
  type RouteOptions,
} from 'fastify';
import { type AnthropicDeps, anthropicRoutes } from '../api/anthropic/index.ts';
import { type DockerDeps, dockerRoutes, stripDockerPrefix } from '../api/docker/index.ts';
import { type ManagementDeps, managementRoutes } from '../api/management/index.ts';
import { type McpDeps, mcpRoutes } from '../api/mcp/index.ts';
import { type OllamaDeps, ollamaRoutes } from '../api/ollama/index.ts';
import { type OpenAiDeps, openAiRoutes } from '../api/openai/index.ts';
import { type ServiceDeps, serviceRoutes } from '../api/service/index.ts';
import {
  callerOf,
  installBodyParser,
  isDeterministicFailure,
  normalisePath,
  ownerOf,
  retryAfterSeconds,
  toOmgError,
} from '../api/wire/index.ts';
import { VERSION } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import { type Access, type AccessRules, installAccess } from './access.ts';
import { limitConnections } from './connections.ts';
import { errorRendererFor, surfacePath } from './error-format.ts';
import { createHttpServer } from './http-server.ts';
import type { Log } from './log.ts';
import { watchLoop } from './loop-watch.ts';
import { ownClients } from './own-client.ts';
import { installRequestLines } from './request-line.ts';

export interface AppDeps
  extends OllamaDeps,
    OpenAiDeps,
    AnthropicDeps,
    ManagementDeps,
    Omit<DockerDeps, 'routes'>,
    Omit<ServiceDeps, 'routes' | 'loopDelay'> {
  access: AccessRules;
  /** Makes the servers for the network where they are not plain ones. */
  serverFactory?: (handler: RequestListener) => Server;
  /** True once the daemon is stopping: new requests are refused. */
  stopping?: () => boolean;
  /** Called when a response is complete. */
  onResponse?: () => void;
  log?: Log;
}

/** Bodies are checked with zod. Naming compilers keeps Fastify from making its own, which take 4 MB. */
const NO_SCHEMAS = { buildValidator: () => () => () => true, buildSerializer: () => () => JSON.stringify } as never;

/** The whole HTTP side, not yet listening. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const app = Fastify({
    genReqId: () => `req_${randomBytes(12).toString('hex')}`,
    serverFactory: deps.serverFactory ?? ((handler) => createHttpServer(handler, { isOwners: false })),
    // Names of models are long, and a forced close would cut the answers that a graceful stop waits for.
    // A query parameter that is given twice is one text, the last.
    routerOptions: {
      maxParamLength: 4096,
      querystringParser: (text) => Object.fromEntries(new URLSearchParams(text)),
    },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    schemaController: { compilersFactory: NO_SCHEMAS },
    frameworkErrors: (error, request, reply) => void sendError(deps, toOmgError(error), request, reply),
    rewriteUrl: (request) =>
      surfacePath(stripDockerPrefix(normalisePath(request.url ?? '/')), request as IncomingMessage),
  });
  const loopDelay = watchLoop(app, deps.log);
  installHeaders(app, deps);
  const { log } = deps;
  if (log !== undefined) installRequestLines(app, (...told) => tellRequest(log, ...told));
  limitConnections(app, { unreadMs: deps.settings()['server.unread_timeout'], log: deps.log });
  const access = installAccess(app, deps.access);
  installBodyParser(app);
  app.setErrorHandler((error, request, reply) => sendError(deps, toOmgError(error), request, reply));
  app.setNotFoundHandler((request, reply) => sendError(deps, notFound(request), request, reply));
  const routes = collectRoutes(app);
  await app.register(managementRoutes, deps);
  await app.register(ollamaRoutes, deps);
  await app.register(openAiRoutes, deps);
  await app.register(anthropicRoutes, deps);
  await app.register(dockerRoutes, { ...deps, routes: [...routes] });
  await app.register(mcpRoutes, mcpDeps(app, access));
  let described: RouteOptions[] = [];
  await app.register(serviceRoutes, { ...deps, routes: () => described, loopDelay });
  described = [...routes];
  refuseOtherMethods(app, described);
  return app;
}

function mcpDeps(app: FastifyInstance, access: Access): McpDeps {
  const clientOf = ownClients(app);
  return {
    clientFor: (request) =>
      clientOf({ apiKey: access.secretOf(request), isTrusted: callerOf(request).kind === 'owner' }),
    hold: (request, end) => access.hold(request, end),
    senderOf: (request) => JSON.stringify([callerOf(request).kind, ownerOf(request)]),
  };
}

function installHeaders(app: FastifyInstance, deps: AppDeps): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-omg-version', VERSION);
    if (deps.stopping?.() === true && !request.url.startsWith('/health')) {
      throw new OmgError('shutting_down', 'The daemon is stopping.', { hint: 'Try again when it runs again.' });
    }
  });
  app.addHook('onResponse', async (request) => {
    deps.onResponse?.();
    // Node leaves the socket of an upgrade to us, also where the answer is a refusal; open, it would keep the daemon from stopping.
    if (request.headers.upgrade !== undefined) request.raw.socket.destroySoon?.();
  });
}

/** One line of the log for each request. Clients poll with GET; what changes or computes something is worth a line. */
function tellRequest(log: Log, request: FastifyRequest, reply: FastifyReply, answer: object): void {
  const { keyId } = callerOf(request);
  // The route, not the path: paths hold model names, queries may hold anything, bodies hold what people wrote.
  const fields = {
    reqId: request.id,
    method: request.method,
    route: request.routeOptions.url,
    status: reply.statusCode,
    ...answer,
    ...clientField(request),
    ...(keyId === undefined ? {} : { key: keyId }),
    ms: Math.round(reply.elapsedTime),
    ...(reply.streamError === undefined ? {} : { code: reply.streamError.code }),
  };
  if (reply.streamError?.code === 'internal') log.error({ ...fields, err: reply.streamError }, 'stream failed');
  const adapted = reply.getHeader('x-omg-adapted');
  if (adapted !== undefined) log.debug({ reqId: request.id, adapted }, 'conversation adapted');
  if (request.method === 'GET' || request.method === 'HEAD') log.debug(fields, 'request');
  else log.info(fields, 'request');
}

/** The program that asks, as it calls itself: the first word, such as `OpenAI/Python`. */
function clientField({ headers }: FastifyRequest): { client?: string } {
  const client = headers['user-agent']?.split(' ', 1)[0]?.slice(0, 60);
  return client === undefined || client === '' ? {} : { client };
}

function sendError(deps: AppDeps, error: OmgError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error.code === 'internal')
    deps.log?.error(
      { reqId: request.id, route: request.routeOptions.url, err: error.cause ?? error },
      'request failed',
    );
  else if (error.code !== 'cancelled')
    deps.log?.info({ reqId: request.id, route: request.routeOptions.url, code: error.code }, 'request refused');
  const { status, body, headers, type } = errorRendererFor(request.url.split('?', 1)[0] ?? '/')(error, request.id);
  if (headers !== undefined) reply.headers(headers);
  const retryAfter = retryAfterSeconds(error);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  if (isDeterministicFailure(error)) reply.header('x-should-retry', 'false');
  return reply
    .code(status)
    .type(type ?? 'application/json; charset=utf-8')
    .send(body);
}

function notFound(request: FastifyRequest): OmgError {
  return new OmgError('not_found', `There is no route ${request.method} ${request.url.split('?', 1)[0]}.`);
}

/** Every route as it is added. */
function collectRoutes(app: FastifyInstance): RouteOptions[] {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => void routes.push(route));
  return routes;
}

const METHODS: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** A known path with another method is 405, which names those it has. */
function refuseOtherMethods(app: FastifyInstance, routes: readonly RouteOptions[]): void {
  for (const [url, same] of Map.groupBy(routes, (route) => route.url)) {
    const known = new Set(same.flatMap(({ method }) => method));
    const others = METHODS.filter((method) => !known.has(method));
    if (others.length === 0) continue;
    const allow = [...known].join(', ');
    app.route({
      method: others,
      url,
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        reply.header('allow', allow);
        throw new OmgError('method_not_allowed', `${request.method} is not allowed here; use ${allow}.`);
      },
    });
  }
}
