import type { FastifyInstance } from 'fastify';
import type { Settings } from '../../config/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import { TEXT_BODY } from '../wire/index.ts';
import { countTokens, messages } from './messages.ts';
import { modelRoutes } from './models.ts';
import { countSchema, messagesSchema } from './schema.ts';

export interface AnthropicDeps {
  models: Models;
  settings: () => Settings;
}

/** The Anthropic surface: messages under `/v1` and `/anthropic/v1`, and its form of the model list. */
export async function anthropicRoutes(app: FastifyInstance, deps: AnthropicDeps): Promise<void> {
  messageRoutes(app, deps, '/v1');
  messageRoutes(app, deps, '/anthropic/v1');
  modelRoutes(app, deps.models);
}

/** `{prefix}/messages` and its token count. */
export function messageRoutes(app: FastifyInstance, { models, settings }: AnthropicDeps, prefix: string): void {
  app.post(`${prefix}/messages`, { config: { body: messagesSchema, bodyLimits: TEXT_BODY } }, (request, reply) =>
    messages(models, settings(), request, reply),
  );
  app.post(
    `${prefix}/messages/count_tokens`,
    { config: { body: countSchema, bodyLimits: TEXT_BODY } },
    (request, reply) => countTokens(models, settings(), request, reply),
  );
}
