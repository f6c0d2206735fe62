import type { RouteOptions } from 'fastify';
import { z } from 'zod';
import { VERSION } from '../../config/index.ts';

const SURFACES: [RegExp, string][] = [
  [/^\/(?:api(?:\/|$)|$)/, 'Ollama'],
  [/^\/(?:v1\/messages|anthropic)(?:\/|$)/, 'Anthropic'],
  [/^\/(?:models|engines|responses|rerank|score)(?:\/|$)/, 'docker model-runner'],
  [/^\/(?:ohmygpu|v1\/models\/pull|health$|version$|metrics$|openapi\.json$|docs$)/, 'Management'],
  [/^\/mcp$/, 'MCP'],
  [/^\/(?:v1\/plan|tokenize|detokenize|apply-template)$/, 'Tools'],
  [/^\/v1\//, 'OpenAI'],
];

/** The routes as an OpenAPI 3.1 document. Bodies are described where the route says what they must be. */
export function describeApi(routes: readonly RouteOptions[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    for (const method of [route.method].flat()) {
      if (method === 'HEAD') continue;
      const { path, parameters } = pathOf(route.url);
      paths[path] ??= {};
      paths[path][method.toLowerCase()] = operation(method, route, parameters);
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'ohmygpu',
      version: VERSION,
      description: 'A local AI server that answers clients of Ollama, OpenAI, Anthropic and docker model-runner.',
    },
    tags: [...new Set(SURFACES.map(([, name]) => name))].map((name) => ({ name })),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      },
    },
    // A key is asked for only where one is set.
    security: [{}, { bearer: [] }, { apiKey: [] }],
  };
}

function operation(method: string, { url, config }: RouteOptions, parameters: string[]): object {
  const { body, summary } = config ?? {};
  return {
    tags: [SURFACES.find(([pattern]) => pattern.test(url))?.[1] ?? 'Management'],
    operationId: `${method.toLowerCase()}${url.replaceAll(/[^A-Za-z0-9]+/g, '_').replace(/_$/, '')}${url.endsWith('*') ? '_name' : ''}`,
    ...(summary === undefined ? {} : { summary }),
    ...(parameters.length === 0
      ? {}
      : {
          parameters: parameters.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
        }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: bodySchema(body) } } } }),
    responses: {
      200: { description: 'Success.' },
      default: { description: 'An error, in the form that the clients of this surface know.' },
    },
  };
}

/** What is sent, not what it is turned into. A check in code has no description and allows anything. */
function bodySchema(schema: z.ZodType): object {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return described;
}

/** `/v1/models/*` is `/v1/models/{name}`: a name may hold slashes. */
function pathOf(url: string): { path: string; parameters: string[] } {
  const path = url.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{name}');
  return { path, parameters: [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '') };
}
