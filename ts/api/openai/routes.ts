import type { FastifyInstance } from 'fastify';
import type { Settings } from '../../config/index.ts';
import type { Models } from '../../lifecycle/types.ts';
import { modelRoutes } from './models.ts';

export interface OpenAiDeps {
  models: Models;
  settings: () => Settings;
}

/** `/v1/*` but for the Anthropic messages. */
export async function openAiRoutes(app: FastifyInstance, { models }: OpenAiDeps): Promise<void> {
  modelRoutes(app, models);
}
