import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import { type EmbedRequest, lastEvent } from '../../inference/index.ts';
import {
  type InstalledModel,
  type Models,
  promptTokens,
  requireCapability,
  type UseOptions,
} from '../../lifecycle/index.ts';
import {
  disconnectSignal,
  engineOf,
  keepAliveOf,
  optional,
  parseBody,
  parseOptions,
  sendVectors,
  vectorAt,
} from '../wire/index.ts';
import { loadOrUnload } from './chat.ts';
import { modelRequired, resolveModel } from './errors.ts';

const NANOSECONDS = 1e6;

const shared = {
  model: optional(z.string()),
  keep_alive: z.unknown().optional(),
  options: z.unknown().optional(),
};

export const embedSchema = z.object({
  ...shared,
  input: z.unknown().optional(),
  truncate: optional(z.boolean()),
  dimensions: optional(z.number().int().min(1)),
});

export const embeddingsSchema = z.object({ ...shared, prompt: optional(z.string()) });

/** POST /api/embed: vectors of length 1. */
export async function embed(models: Models, request: FastifyRequest, reply: FastifyReply): Promise<object> {
  const startedAt = performance.now();
  const body = parseBody(embedSchema, request.body);
  const texts = readInput(body.input);
  const { name, use } = await open(models, body.model ?? '', body, reply);
  if (texts.length === 0) {
    await loadOrUnload(models, name, use, request, body.keep_alive);
    return {
      model: name,
      embeddings: [],
      total_duration: since(startedAt),
      load_duration: since(startedAt),
      prompt_eval_count: 0,
    };
  }
  const { dimensions } = body;
  const wanted: EmbedRequest = { texts: texts.map(segment), truncate: body.truncate ?? true, normalize: true };
  let waitedMs = 0;
  const answer = await lastEvent(
    models.run('embed', name, dimensions === undefined ? wanted : { ...wanted, dimensions }, {
      ...use,
      onReady: (ms) => {
        waitedMs = ms;
      },
    }),
  );
  const fields = {
    model: name,
    total_duration: since(startedAt),
    load_duration: Math.round(waitedMs * NANOSECONDS),
    prompt_eval_count: promptTokens(answer.texts),
  };
  return sendVectors(reply, answer, fields, ['embeddings', (vector) => Array.from(vector)]);
}

/** POST /api/embeddings: one vector as the model gives it. */
export async function embeddings(models: Models, request: FastifyRequest, reply: FastifyReply): Promise<object> {
  const body = parseBody(embeddingsSchema, request.body);
  if (!body.model) throw modelRequired();
  const { name, use } = await open(models, body.model, body, reply);
  const prompt = body.prompt ?? '';
  if (prompt === '') {
    await loadOrUnload(models, name, use, request, body.keep_alive);
    return { embedding: [] };
  }
  const answer = await lastEvent(models.run('embed', name, { texts: [segment(prompt)], normalize: false }, use));
  return { embedding: Array.from(vectorAt(answer, 0)) };
}

function readInput(input: unknown): string[] {
  if (input === undefined || input === null || input === '') return [];
  if (typeof input === 'string') return [input];
  if (Array.isArray(input) && input.every((text): text is string => typeof text === 'string')) return input;
  throw new OmgError('invalid_request', 'invalid input type', {
    hint: '`input` is a text or a list of texts.',
    detail: { param: 'input' },
  });
}

async function open(
  models: Models,
  name: string,
  body: { keep_alive?: unknown; options?: unknown },
  reply: FastifyReply,
): Promise<{ name: string; use: UseOptions }> {
  const keepAliveMs = keepAliveOf(reply.request, body.keep_alive);
  const { contextLength } = parseOptions(body.options);
  const model = await found(models, name);
  requireCapability(model, 'embedding', { name });
  return {
    name,
    use: { signal: disconnectSignal(reply), keepAliveMs, contextLength, engine: engineOf(reply.request) },
  };
}

/** These two routes have words of their own for a model that is not there. */
async function found(models: Models, name: string): Promise<InstalledModel> {
  try {
    return await resolveModel(models, name);
  } catch (thrown) {
    const error = OmgError.from(thrown);
    if (error.code !== 'model_not_found' || name === '') throw error;
    throw new OmgError('model_not_found', `model "${name}" not found, try pulling it first`, {
      hint: error.hint,
      detail: error.detail,
      cause: error,
    });
  }
}

function segment(text: string): EmbedRequest['texts'][number] {
  return [{ kind: 'text', text, parseSpecial: false }];
}

function since(startedAt: number): number {
  return Math.round((performance.now() - startedAt) * NANOSECONDS);
}
