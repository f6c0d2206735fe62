import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { lastEvent } from '../../inference/index.ts';
import { type Models, promptTokens } from '../../lifecycle/index.ts';
import {
  disconnectSignal,
  engineOf,
  keepAliveOf,
  list,
  optional,
  parseBody,
  parseOptions,
  truncatedHeader,
} from '../wire/index.ts';

export const rerankSchema = z.object({
  model: z.string().min(1),
  query: z.string(),
  documents: list(z.union([z.string(), z.object({ text: z.string() })])).min(1),
  top_n: optional(z.number().int().min(1)),
  return_documents: optional(z.boolean()),
  truncate: optional(z.boolean()),
  keep_alive: z.unknown().optional(),
  options: z.unknown().optional(),
});

/** POST /v1/rerank: the documents by falling score. Those that are too long are an error unless `truncate` is asked for. */
export async function rerank(models: Models, request: FastifyRequest, reply: FastifyReply): Promise<object> {
  const body = parseBody(rerankSchema, request.body);
  const documents = body.documents.map((document) => (typeof document === 'string' ? document : document.text));
  const wanted = { query: body.query, documents, truncate: body.truncate ?? false };
  const answer = await lastEvent(
    models.run('score', body.model, wanted, {
      signal: disconnectSignal(reply),
      engine: engineOf(request),
      keepAliveMs: keepAliveOf(request, body.keep_alive),
      contextLength: parseOptions(body.options).contextLength,
    }),
  );
  truncatedHeader(reply, answer.texts);
  const tokens = promptTokens(answer.texts);
  const results = answer.scores
    .map((score, index) => ({
      index,
      relevance_score: score,
      ...(body.return_documents === true ? { document: { text: documents[index] } } : {}),
    }))
    .sort((a, b) => b.relevance_score - a.relevance_score || a.index - b.index);
  return {
    model: body.model,
    results: results.slice(0, body.top_n),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}
