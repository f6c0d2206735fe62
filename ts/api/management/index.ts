export type { ConfigPort, Endpoint, ManagementDeps, ModelStorePort, SearchHit } from './ports.ts';
export { managementRoutes } from './routes.ts';
