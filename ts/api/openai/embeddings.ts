import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import { type EmbedRequest, lastEvent } from '../../inference/index.ts';
import { type Models, promptTokens } from '../../lifecycle/index.ts';
import {
  disconnectSignal,
  engineOf,
  keepAliveOf,
  optional,
  parseBody,
  parseOptions,
  sendVectors,
  truncatedHeader,
  vectorBase64,
} from '../wire/index.ts';

export const embeddingsSchema = z.object({
  model: z.string().min(1),
  input: z.unknown().optional(),
  encoding_format: optional(z.enum(['float', 'base64'])),
  dimensions: optional(z.number().int().min(1)),
  user: optional(z.string()),
  keep_alive: z.unknown().optional(),
  options: z.unknown().optional(),
});

/** POST /v1/embeddings: vectors of length 1; texts that are too long are cut, which a header says. */
export async function embeddings(models: Models, request: FastifyRequest, reply: FastifyReply): Promise<object> {
  const body = parseBody(embeddingsSchema, request.body);
  const texts = readInput(body.input);
  const wanted: EmbedRequest = {
    texts: texts.map((text) => [{ kind: 'text', text, parseSpecial: false }]),
    truncate: true,
    normalize: true,
    ...(body.dimensions === undefined ? {} : { dimensions: body.dimensions }),
  };
  const answer = await lastEvent(
    models.run('embed', body.model, wanted, {
      signal: disconnectSignal(reply),
      engine: engineOf(request),
      keepAliveMs: keepAliveOf(request, body.keep_alive),
      contextLength: parseOptions(body.options).contextLength,
    }),
  );
  truncatedHeader(reply, answer.texts);
  const tokens = promptTokens(answer.texts);
  const shown = (vector: Float32Array) =>
    body.encoding_format === 'base64' ? vectorBase64(vector) : Array.from(vector);
  const fields = { object: 'list', model: body.model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
  return sendVectors(reply, answer, fields, [
    'data',
    (vector, index) => ({ object: 'embedding', index, embedding: shown(vector) }),
  ]);
}

function readInput(input: unknown): string[] {
  if (typeof input === 'string') return [input];
  if (Array.isArray(input) && input.length > 0) {
    if (input.every((text): text is string => typeof text === 'string')) return input;
    if (input.flat().every((token) => typeof token === 'number')) {
      throw new OmgError(
        'invalid_request',
        'input: token ids are not accepted, for they mean something else to each model',
        {
          hint: 'Send texts. LangChain does so with `check_embedding_ctx_length=False`.',
          detail: { param: 'input' },
        },
      );
    }
  }
  throw new OmgError('invalid_request', 'invalid input', {
    hint: '`input` is a text or a list of texts.',
    detail: { param: 'input' },
  });
}
