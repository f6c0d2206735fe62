import type { FastifyInstance } from 'fastify';
import { OmgError } from '../../errors/index.ts';
import { catalogJson } from './catalog.ts';
import { DOCS_PAGE } from './docs-page.ts';
import { describeApi } from './openapi.ts';
import { planRoutes } from './plan.ts';
import type { ServiceDeps } from './ports.ts';
import { tokenRoutes } from './tokens.ts';

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

/** What belongs to no dialect: tokens, plans, metrics, the catalog, and the description of it all. */
export async function serviceRoutes(app: FastifyInstance, deps: ServiceDeps): Promise<void> {
  tokenRoutes(app, deps);
  planRoutes(app, deps);
  app.get('/metrics', async (_request, reply) => {
    if (deps.metrics === undefined) throw new OmgError('not_found', 'Metrics are switched off.');
    return reply.type(PROMETHEUS).send(deps.metrics.expose(deps.models.running(), deps.loopDelay));
  });
  app.get('/ohmygpu/v1/catalog', () => catalogJson(deps));
  let description: object | undefined;
  app.get('/openapi.json', async () => {
    description ??= describeApi(deps.routes());
    return description;
  });
  app.get('/docs', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header(
        'content-security-policy',
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'",
      )
      .send(DOCS_PAGE),
  );
}
