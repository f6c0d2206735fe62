import websocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import { aliasRoutes } from './aliases.ts';
import { configRoutes } from './config.ts';
import { eventRoutes } from './events.ts';
import { modelRoutes } from './models.ts';
import type { ManagementDeps } from './ports.ts';
import { pullRoutes } from './pulls.ts';
import { systemRoutes } from './system.ts';

/** `/health`, `/version`, `/v1/models/pull` and `/ohmygpu/v1/*`. */
export async function managementRoutes(app: FastifyInstance, deps: ManagementDeps): Promise<void> {
  await app.register(websocket);
  systemRoutes(app, deps);
  pullRoutes(app, deps.models, deps.previewModel);
  modelRoutes(app, deps.models, deps.store);
  aliasRoutes(app, deps.store);
  configRoutes(app, deps.config);
  eventRoutes(app, deps.models);
}
