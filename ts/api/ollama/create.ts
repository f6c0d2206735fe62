import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import type { ModelProfile } from '../../library/index.ts';
import type { CreateSpec, Models } from '../../lifecycle/index.ts';
import {
  disconnectSignal,
  isOption,
  list,
  ndjson,
  optional,
  type PullLine,
  parseBody,
  parseOptions,
  progressDigest,
  pullLines,
  record,
  sendStream,
} from '../wire/index.ts';
import { parseDigest } from './blobs.ts';
import { modelRequired, ollamaErrorBody } from './errors.ts';

/** Of a renderer or parser. */
const LONGEST_NAME_SHOWN = 100;

const parameterSchema = z.union([z.number(), z.string(), z.boolean(), list(z.string())]);

export const createSchema = z.object({
  model: optional(z.string()),
  name: optional(z.string()),
  from: optional(z.string()),
  files: optional(record(z.string())),
  adapters: optional(record(z.string())),
  template: optional(z.string()),
  license: optional(z.union([z.string(), list(z.string())])),
  system: optional(z.string()),
  parameters: optional(record(parameterSchema.nullable())),
  messages: optional(list(z.looseObject({ role: z.string(), content: optional(z.string()) }))),
  quantize: optional(z.string()),
  quantization: optional(z.string()),
  renderer: optional(z.string()),
  parser: optional(z.string()),
  requires: optional(z.string()),
  info: optional(record(z.unknown())),
  stream: optional(z.boolean()),
});

type CreateBody = z.output<typeof createSchema>;

/** POST /api/create. What is wrong with the request has a status of its own; later errors are a line. */
export async function create(
  models: Models,
  apiVersion: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const body = parseBody(createSchema, request.body);
  const spec = createSpec(body, apiVersion);
  const warnings = warningsOf(spec.profile);
  const lines = createLines(models, spec, disconnectSignal(reply));
  if (body.stream === false) {
    let last: PullLine | undefined;
    for await (const line of lines) last = line;
    return { ...last, ...(warnings.length === 0 ? {} : { warnings }) };
  }
  return sendStream(reply, frames(lines, warnings), {
    kind: 'ndjson',
    failure: (error) => ndjson(ollamaErrorBody(error)),
  });
}

async function* frames(lines: AsyncIterable<PullLine>, warnings: string[]): AsyncGenerator<string> {
  for (const warning of warnings) yield ndjson({ status: `warning: ${warning}`, warning });
  for await (const line of lines) yield ndjson(line);
}

/** What is kept and has no effect. */
function warningsOf({ renderer, parser }: ModelProfile): string[] {
  const named = (name: string): string => JSON.stringify(name.slice(0, LONGEST_NAME_SHOWN));
  return [
    ...(renderer === undefined
      ? []
      : [`the renderer ${named(renderer)} is not used: prompts are written by the chat template of the model`]),
    ...(parser === undefined
      ? []
      : [`the parser ${named(parser)} is not used: how answers are read is found out from the chat template`]),
  ];
}

async function* createLines(models: Models, spec: CreateSpec, signal: AbortSignal): AsyncGenerator<PullLine> {
  const events = models.create(spec, signal)[Symbol.asyncIterator]();
  let isPulling = false;
  for (let next = await events.next(); !next.done; ) {
    const event = next.value;
    if (event.type === 'pull' && !isPulling) {
      isPulling = true;
      const first = event.progress;
      async function* progress() {
        yield first;
        for (next = await events.next(); !next.done && next.value.type === 'pull'; next = await events.next()) {
          yield next.value.progress;
        }
      }
      for await (const line of pullLines(progress())) if (line.status !== 'success') yield line;
      continue;
    }
    if (event.type === 'reading') {
      const isGguf = event.files.some((file) => !/\.safetensors$/i.test(file)) && !event.files.includes('config.json');
      yield { status: isGguf ? 'parsing GGUF' : 'reading safetensors' };
    } else if (event.type === 'layer') yield { status: `using existing layer sha256:${event.sha256}` };
    else if (event.type === 'quantizing') {
      const { from, to, fraction, sourceBytes: total } = event;
      const completed = Math.round(fraction * total);
      yield {
        status: `quantizing ${from} model to ${to}`,
        digest: progressDigest(`${from} to ${to}`, ''),
        total,
        ...(completed > 0 ? { completed } : {}),
      };
    } else if (event.type === 'verifying') yield { status: 'verifying conversion' };
    else if (event.type === 'writing') yield { status: 'writing manifest' };
    else if (event.type === 'success') yield { status: 'success' };
    next = await events.next();
  }
}

function createSpec(body: CreateBody, apiVersion: string): CreateSpec {
  const name = body.model || body.name;
  if (!name) throw modelRequired();
  refuseUnsupported(body);
  const hasFiles = Object.keys(body.files ?? {}).length > 0;
  if (!body.from && !hasFiles) throw new OmgError('invalid_request', "neither 'from' or 'files' was specified");
  if (body.from && hasFiles) {
    throw new OmgError('invalid_request', "both 'from' and 'files' were specified", { hint: 'Give one of them.' });
  }
  if (body.requires) checkRequires(body.requires, apiVersion);
  const quantize = body.quantize || body.quantization;
  const { parameters, contextLength } = readParameters(body.parameters ?? {});
  const license = [body.license ?? []].flat().filter((text) => text !== '');
  const messages = (body.messages ?? []).map(readMessage);
  const profile: ModelProfile = {
    ...(body.template ? { template: body.template } : {}),
    ...(body.system ? { system: body.system } : {}),
    ...(Object.keys(parameters).length > 0 ? { parameters } : {}),
    ...(messages.length > 0 ? { messages } : {}),
    ...(license.length > 0 ? { license } : {}),
    ...(body.requires ? { requires: body.requires } : {}),
    ...(body.renderer ? { renderer: body.renderer } : {}),
    ...(body.parser ? { parser: body.parser } : {}),
  };
  return {
    name,
    ...(body.from ? { from: body.from } : { files: readFiles(body.files ?? {}) }),
    profile,
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(quantize ? { quantize } : {}),
  };
}

/** What would have no effect is refused rather than dropped. */
function refuseUnsupported(body: CreateBody): void {
  const refused: [keyof CreateBody, boolean, string][] = [
    ['adapters', Object.keys(body.adapters ?? {}).length > 0, 'Merge the adapter into its model first.'],
    ['info', Object.keys(body.info ?? {}).length > 0, 'The metadata of a model is that of its files.'],
  ];
  for (const [param, isGiven, hint] of refused) {
    if (isGiven) throw new OmgError('unsupported', `${param} is not supported`, { hint, detail: { param } });
  }
}

function readFiles(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([path, digest]) => {
      if (/^(?:[/\\]|[A-Za-z]:)/.test(path) || path.split(/[/\\]/).includes('..')) {
        throw new OmgError('invalid_request', `${JSON.stringify(path)} is not a path inside the model`, {
          detail: { param: 'files' },
        });
      }
      return [path, parseDigest(digest, 'files')];
    }),
  );
}

/** Ollama's option names, with the types they have in a request. */
function readParameters(given: NonNullable<CreateBody['parameters']>): {
  parameters: NonNullable<ModelProfile['parameters']>;
  contextLength?: number;
} {
  const parameters: NonNullable<ModelProfile['parameters']> = {};
  for (const [key, value] of Object.entries(given)) {
    if (!isOption(key)) {
      throw new OmgError('invalid_request', `unknown parameter '${key}'`, { detail: { param: `parameters.${key}` } });
    }
    if (value !== null) parameters[key] = key === 'stop' ? [value].flat().map(String) : value;
  }
  const { contextLength } = parseOptions(parameters);
  return { parameters, ...(contextLength === undefined ? {} : { contextLength }) };
}

function readMessage(
  { role, content = '' }: NonNullable<CreateBody['messages']>[number],
  index: number,
): NonNullable<ModelProfile['messages']>[number] {
  if (role === 'system' || role === 'user' || role === 'assistant') return { role, content };
  throw new OmgError('invalid_request', `messages[${index}].role: invalid role "${role}"`, {
    hint: 'Use system, user or assistant.',
    detail: { param: `messages[${index}].role` },
  });
}

function checkRequires(requires: string, apiVersion: string): void {
  const numbers = (text: string): number[] => text.replace(/^v/, '').split('-', 1)[0]?.split('.').map(Number) ?? [];
  const wanted = numbers(requires);
  if (wanted.length === 0 || wanted.some((part) => !Number.isInteger(part))) {
    throw new OmgError('invalid_request', `requires: "${requires}" is not a version`, {
      detail: { param: 'requires' },
    });
  }
  const own = numbers(apiVersion);
  const at = wanted.findIndex((part, index) => part !== (own[index] ?? 0));
  if (at >= 0 && (wanted[at] ?? 0) > (own[at] ?? 0)) {
    throw new OmgError('unsupported', `the model requires version ${requires}, this is ${apiVersion}`, {
      detail: { param: 'requires' },
    });
  }
}
