import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { PromptSegment } from '../../inference/index.ts';
import { disconnectSignal, list, optional, parseBody, TEXT_BODY, tokenIds } from '../wire/index.ts';
import { modelOr } from './default-model.ts';
import type { ServiceDeps } from './ports.ts';

const model = optional(z.string());

const tokenizeSchema = z.object({
  model,
  content: z.string(),
  add_special: optional(z.boolean()),
  parse_special: optional(z.boolean()),
  with_pieces: optional(z.boolean()),
});
const detokenizeSchema = z.object({ model, tokens: tokenIds() });
const templateSchema = z.looseObject({ model, messages: list(z.looseObject({ role: z.string() })).min(1) });

/** `/tokenize`, `/detokenize` and `/apply-template` as llama.cpp's server has them; no weights are loaded for any. */
export function tokenRoutes(app: FastifyInstance, deps: ServiceDeps): void {
  const { models } = deps;
  app.post('/tokenize', { config: { body: tokenizeSchema, bodyLimits: TEXT_BODY } }, async (request, reply) => {
    const body = parseBody(tokenizeSchema, request.body);
    const name = modelOr(models, body.model);
    const signal = disconnectSignal(reply);
    const tokens = await tokenize(deps, name, body, signal);
    if (body.with_pieces !== true) return { tokens };
    const pieces = await piecesOf(deps, name, new Set(tokens), signal);
    return { tokens: tokens.map((id) => ({ id, piece: pieces.get(id) })) };
  });
  app.post('/detokenize', { config: { body: detokenizeSchema, bodyLimits: TEXT_BODY } }, async (request, reply) => {
    const body = parseBody(detokenizeSchema, request.body);
    return { content: await models.detokenize(modelOr(models, body.model), body.tokens, disconnectSignal(reply)) };
  });
  app.post('/apply-template', { config: { body: templateSchema, bodyLimits: TEXT_BODY } }, async (request, reply) => {
    const body = parseBody(templateSchema, request.body);
    const { name, request: chat } = await deps.readChat({ ...body, model: modelOr(models, body.model) });
    const signal = disconnectSignal(reply);
    const segments = await models.renderChat(name, chat, { signal });
    const texts = segments.map((segment) =>
      segment.kind === 'text' ? segment.text : models.detokenize(name, segment.tokens, signal),
    );
    return { prompt: (await Promise.all(texts)).join('') };
  });
}

async function tokenize(
  { models }: ServiceDeps,
  name: string,
  body: z.output<typeof tokenizeSchema>,
  signal: AbortSignal,
): Promise<number[]> {
  const text: PromptSegment = { kind: 'text', text: body.content, parseSpecial: body.parse_special ?? true };
  if (body.add_special === true) return models.tokenize(name, [text], signal);
  // The engine puts the BOS token before a prompt that does not begin with it; given first, it is there once and is cut off.
  const bos = await models.tokenize(name, [], signal);
  if (bos.length === 0) return models.tokenize(name, [text], signal);
  return (await models.tokenize(name, [{ kind: 'tokens', tokens: bos }, text], signal)).slice(bos.length);
}

/** So many questions are with the engine at once; a long text has tens of thousands of different tokens. */
const PIECES_AT_ONCE = 64;

async function piecesOf(
  deps: ServiceDeps,
  name: string,
  ids: Set<number>,
  signal: AbortSignal,
): Promise<Map<number, string>> {
  const pieces = new Map<number, string>();
  const left = ids.values();
  const ask = async (): Promise<void> => {
    for (const id of left) pieces.set(id, await pieceOf(deps, name, id, signal));
  };
  await Promise.all(Array.from({ length: PIECES_AT_ONCE }, ask));
  return pieces;
}

/** A token's text as it stands within others: some vocabularies drop the space of a token that comes first. */
async function pieceOf({ models }: ServiceDeps, name: string, id: number, signal: AbortSignal): Promise<string> {
  const [once, twice] = await Promise.all([
    models.detokenize(name, [id], signal),
    models.detokenize(name, [id, id], signal),
  ]);
  return twice.slice(once.length);
}
