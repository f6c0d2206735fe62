export { ollamaError, ollamaErrorBody } from './errors.ts';
export { type OllamaDeps, ollamaRoutes } from './routes.ts';
