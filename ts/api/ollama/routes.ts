import type { FastifyInstance } from 'fastify';
import type { Settings } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import { TEXT_BODY } from '../wire/index.ts';
import { type BlobPort, headBlob, putBlob } from './blobs.ts';
import { chat } from './chat.ts';
import { create, createSchema } from './create.ts';
import { embed, embeddings, embeddingsSchema, embedSchema } from './embed.ts';
import { generate } from './generate.ts';
import { copy, copySchema, nameSchema, remove } from './manage.ts';
import { runningJson, tagJson } from './model-json.ts';
import { pull, pullSchema } from './pull.ts';
import { push, pushSchema } from './push.ts';
import { chatSchema, generateSchema } from './schema.ts';
import { show, showSchema } from './show.ts';

export interface OllamaDeps {
  models: Models;
  blobs: BlobPort;
  settings: () => Settings;
}

type Digest = { Params: { digest: string } };

/** `/` and `/api/*`. */
export async function ollamaRoutes(app: FastifyInstance, { models, blobs, settings }: OllamaDeps): Promise<void> {
  app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send('Ollama is running'));
  app.get('/api/version', async () => ({ version: settings()['api.ollama_version'] }));
  app.get('/api/status', async () => ({ cloud: { disabled: true, source: 'config' } }));
  app.get('/api/experimental/model-recommendations', async () => ({ recommendations: [] }));
  app.get('/api/tags', async () => ({
    models: (await models.list()).map(tagJson),
  }));
  app.get('/api/ps', async () => {
    const keepAliveMs = settings()['models.keep_alive'];
    return { models: models.running().map((running) => runningJson(running, keepAliveMs)) };
  });
  app.post('/api/chat', { config: { body: chatSchema, bodyLimits: TEXT_BODY } }, (request, reply) =>
    chat(models, request, reply),
  );
  app.post('/api/generate', { config: { body: generateSchema, bodyLimits: TEXT_BODY } }, (request, reply) =>
    generate(models, request, reply),
  );
  app.post('/api/embed', { config: { body: embedSchema, bodyLimits: TEXT_BODY } }, (request, reply) =>
    embed(models, request, reply),
  );
  app.post(
    '/api/embeddings',
    {
      config: {
        body: embeddingsSchema,
        bodyLimits: TEXT_BODY,
      },
    },
    (request, reply) => embeddings(models, request, reply),
  );
  app.post('/api/show', { config: { body: showSchema } }, (request) => show(models, request));
  app.post('/api/pull', { config: { body: pullSchema } }, (request, reply) => pull(models, request, reply));
  app.delete('/api/delete', { config: { body: nameSchema } }, (request, reply) => remove(models, request, reply));
  app.post('/api/copy', { config: { body: copySchema } }, (request, reply) => copy(models, request, reply));
  app.post('/api/create', { config: { body: createSchema, bodyLimits: TEXT_BODY } }, (request, reply) =>
    create(models, settings()['api.ollama_version'], request, reply),
  );
  app.post('/api/push', { config: { body: pushSchema } }, (request) => push(models, request));
  app.head<Digest>('/api/blobs/:digest', (request, reply) => headBlob(blobs, request, reply));
  // Files have any size; the disk is the limit.
  const upload = { config: { rawBody: true }, bodyLimit: Number.MAX_SAFE_INTEGER };
  app.post<Digest>('/api/blobs/:digest', upload, (request, reply) => putBlob(blobs, request, reply));
  for (const path of ['/api/me', '/api/signout']) {
    app.post(path, async () => {
      throw new OmgError('not_implemented', 'omg has no accounts: there is nothing to sign in to.');
    });
  }
}
