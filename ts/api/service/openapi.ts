import type { RouteOptions } from 'fastify';
import { z } from 'zod';
import { VERSION } from '../../config/index.ts';
import { docOf, isThere, type RouteDoc } from './route-docs.ts';

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
      if (!isThere(method, path)) continue;
      paths[path] ??= {};
      paths[path][method.toLowerCase()] = operation(method, route, { path, parameters });
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

function operation(
  method: string,
  { url, config }: RouteOptions,
  { path, parameters }: { path: string; parameters: string[] },
): object {
  const { body } = config ?? {};
  const doc = docOf(method, path);
  const tag = SURFACES.find(([pattern]) => pattern.test(url))?.[1] ?? 'Management';
  const query = Object.entries(doc?.query ?? {});
  const described = [
    ...parameters.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...query.map(([name, description]) => ({
      name,
      in: 'query',
      required: false,
      description,
      schema: { type: 'string' },
    })),
  ];
  return {
    tags: [tag],
    operationId: `${method.toLowerCase()}${url.replaceAll(/[^A-Za-z0-9]+/g, '_').replace(/_$/, '')}${url.endsWith('*') ? '_name' : ''}`,
    summary: doc?.summary ?? path,
    ...(described.length === 0 ? {} : { parameters: described }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: bodySchema(body) } } } }),
    responses: responsesOf(tag, doc?.answer, { hasBody: body !== undefined, hasName: parameters.length > 0 }),
    'x-codeSamples': [{ lang: 'Shell', label: 'curl', source: curlLine(method, path, doc) }],
  };
}

/** The address of a daemon that nobody has changed. `/docs` puts its own in its place. */
const USUAL_ADDRESS = 'http://127.0.0.1:10692';

function curlLine(method: string, path: string, doc: RouteDoc | undefined): string {
  const address = `${USUAL_ADDRESS}${doc?.path ?? path}`.replace('{backend}', 'llama.cpp');
  const verb = method === 'GET' || (method === 'POST' && doc?.example !== undefined) ? '' : ` -X ${method}`;
  const data =
    doc?.example === undefined ? '' : ` -H 'content-type: application/json' -d '${JSON.stringify(doc.example)}'`;
  return `curl${verb} '${address}'${data}`;
}

/** Errors as each surface writes them. */
const ERROR_FIELDS: Record<string, object> = {
  Ollama: { error: { type: 'string' } },
  Anthropic: {
    type: { type: 'string', const: 'error' },
    error: { type: 'object', properties: { type: { type: 'string' }, message: { type: 'string' } } },
  },
};
const USUAL_ERROR = {
  error: {
    type: 'object',
    properties: { message: { type: 'string' }, code: { type: 'string' }, hint: { type: 'string' } },
  },
};

function responsesOf(
  tag: string,
  answer = 'One JSON object.',
  { hasBody, hasName }: { hasBody: boolean; hasName: boolean },
): object {
  const content = { 'application/json': { schema: { type: 'object', properties: ERROR_FIELDS[tag] ?? USUAL_ERROR } } };
  return {
    200: { description: answer },
    ...(hasBody ? { 400: { description: 'The request is not valid; the message says what is wrong.', content } } : {}),
    401: { description: 'An API key is needed, and none or a wrong one was sent.', content },
    ...(hasBody || hasName
      ? { 404: { description: 'There is no such model, or nothing of this name.', content } }
      : {}),
    default: { description: 'Any other error; docs/errors.md lists the codes.', content },
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
