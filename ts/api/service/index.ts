export { type LoopDelay, Metrics } from './metrics.ts';
export type { CatalogEntry, ServiceDeps } from './ports.ts';
export { serviceRoutes } from './routes.ts';
