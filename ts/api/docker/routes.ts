import type { FastifyInstance } from 'fastify';
import { Configurations } from './configuration.ts';
import { engineRoutes } from './engines.ts';
import { inferenceRoutes } from './inference.ts';
import { modelRoutes } from './models.ts';
import type { DockerDeps } from './ports.ts';

/** `/models*` and `/engines*`, and what docker model-runner also answers without its prefixes. */
export async function dockerRoutes(app: FastifyInstance, deps: DockerDeps): Promise<void> {
  const configurations = new Configurations(deps.models, deps.configurations);
  modelRoutes(app, deps);
  engineRoutes(app, deps, configurations);
  inferenceRoutes(app, deps);
}
