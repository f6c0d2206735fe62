import type { FastifyInstance } from 'fastify';
import type { Settings } from '../../config/index.ts';
import type { Models } from '../../lifecycle/types.ts';
import { chat } from './chat.ts';
import { runningJson, tagJson } from './model-json.ts';

export interface OllamaDeps {
  models: Models;
  settings: () => Settings;
}

/** `/` and `/api/*`. */
export async function ollamaRoutes(app: FastifyInstance, { models, settings }: OllamaDeps): Promise<void> {
  app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send('Ollama is running'));
  app.get('/api/version', async () => ({ version: settings()['api.ollama_version'] }));
  app.get('/api/status', async () => ({ cloud: { disabled: true, source: 'config' } }));
  app.get('/api/tags', async () => ({ models: (await models.list()).map(tagJson) }));
  app.get('/api/ps', async () => {
    const keepAliveMs = settings()['models.keep_alive'];
    return { models: models.running().map((running) => runningJson(running, keepAliveMs)) };
  });
  app.post('/api/chat', (request, reply) => chat(models, request, reply));
}
