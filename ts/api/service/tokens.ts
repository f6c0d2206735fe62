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
  app.post('/tokenize', { config: { body: tokenizeSchema, bodyLimits: TEXT_BODY } }, async (request) => {
    const body = parseBody(tokenizeSchema, request.body);
    const name = modelOr(models, body.model);
    const tokens = await tokenize(deps, name, body);
    if (body.with_pieces !== true) return { tokens };
    const pieces = await piecesOf(deps, name, new Set(tokens));
    return { tokens: tokens.map((id) => ({ id, piece: pieces.get(id) })) };
  });
  app.post('/detokenize', { config: { body: detokenizeSchema, bodyLimits: TEXT_BODY } }, async (request) => {
    const body = parseBody(detokenizeSchema, request.body);
    return { content: await models.detokenize(modelOr(models, body.model), body.tokens) };
  });
  app.post('/apply-template', { config: { body: templateSchema, bodyLimits: TEXT_BODY } }, async (request, reply) => {
    const body = parseBody(templateSchema, request.body);
    const { name, request: chat } = await deps.readChat({ ...body, model: modelOr(models, body.model) });
    const segments = await models.renderChat(name, chat, { signal: disconnectSignal(reply) });
    const texts = segments.map((segment) =>
      segment.kind === 'text' ? segment.text : models.detokenize(name, segment.tokens),
    );
    return { prompt: (await Promise.all(texts)).join('') };
  });
}

async function tokenize(
  { models }: ServiceDeps,
  name: string,
  body: z.output<typeof tokenizeSchema>,
): Promise<number[]> {
  const text: PromptSegment = { kind: 'text', text: body.content, parseSpecial: body.parse_special ?? true };
  if (body.add_special === true) return models.tokenize(name, [text]);
  // The engine puts the BOS token before a prompt that does not begin with it; given first, it is there once and is cut off.
  const bos = await models.tokenize(name, []);
  if (bos.length === 0) return models.tokenize(name, [text]);
  return (await models.tokenize(name, [{ kind: 'tokens', tokens: bos }, text])).slice(bos.length);
}

/** So many questions are with the engine at once; a long text has tens of thousands of different tokens. */
const PIECES_AT_ONCE = 64;

async function piecesOf(deps: ServiceDeps, name: string, ids: Set<number>): Promise<Map<number, string>> {
  const pieces = new Map<number, string>();
  const left = ids.values();
  const ask = async (): Promise<void> => {
    for (const id of left) pieces.set(id, await pieceOf(deps, name, id));
  };
  await Promise.all(Array.from({ length: PIECES_AT_ONCE }, ask));
  return pieces;
}

/** A token's text as it stands within others: some vocabularies drop the space of a token that comes first. */
async function pieceOf({ models }: ServiceDeps, name: string, id: number): Promise<string> {
  const [once, twice] = await Promise.all([models.detokenize(name, [id]), models.detokenize(name, [id, id])]);
  return twice.slice(once.length);
}
