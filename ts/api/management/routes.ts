import type { FastifyInstance } from 'fastify';
import { VERSION } from '../../config/index.ts';
import type { Models } from '../../lifecycle/types.ts';

export interface ManagementDeps {
  models: Models;
}

export async function managementRoutes(app: FastifyInstance, _deps: ManagementDeps): Promise<void> {
  app.get('/health', async () => ({ status: 'ok', version: VERSION }));
  app.get('/version', async () => ({ version: VERSION }));
}
