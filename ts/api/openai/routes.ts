import type { FastifyInstance } from 'fastify';
import type { Settings } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import { TEXT_BODY } from '../wire/index.ts';
import { chatCompletions } from './chat.ts';
import { chatSchema } from './chat-schema.ts';
import { completionSchema, completions } from './completions.ts';
import { embeddings, embeddingsSchema } from './embeddings.ts';
import { modelRoutes } from './models.ts';
import { rerank, rerankSchema } from './rerank.ts';
import { responseRoutes } from './responses-routes.ts';
import { ResponseStore } from './responses-store.ts';

export interface OpenAiDeps {
  models: Models;
  settings: () => Settings;
}

/** Routes of the surface that this build does not have. */
const MISSING = ['/v1/audio/transcriptions', '/v1/audio/translations', '/v1/audio/speech', '/v1/images/generations'];

/** `/v1/*` but for the Anthropic messages. */
export async function openAiRoutes(app: FastifyInstance, { models, settings }: OpenAiDeps): Promise<void> {
  modelRoutes(app, models);
  app.post('/v1/chat/completions', { config: { body: chatSchema, bodyLimits: TEXT_BODY } }, (request, reply) =>
    chatCompletions(models, settings(), request, reply),
  );
  app.post('/v1/completions', { config: { body: completionSchema, bodyLimits: TEXT_BODY } }, (request, reply) =>
    completions(models, settings(), request, reply),
  );
  app.post('/v1/embeddings', { config: { body: embeddingsSchema, bodyLimits: TEXT_BODY } }, (request, reply) =>
    embeddings(models, request, reply),
  );
  for (const path of ['/v1/rerank', '/v1/score']) {
    app.post(
      path,
      {
        config: {
          body: rerankSchema,
          bodyLimits: TEXT_BODY,
        },
      },
      (request, reply) => rerank(models, request, reply),
    );
  }
  const store = new ResponseStore();
  app.addHook('onClose', async () => store.close());
  responseRoutes(app, models, store, '/v1');
  for (const path of MISSING) {
    app.post(path, { config: { rawBody: true } }, async () => {
      throw new OmgError('unsupported', `${path} is not supported by this version.`);
    });
  }
}
