export { type ManagementDeps, managementRoutes } from './routes.ts';
