export { openAiError, openAiErrorBody } from './errors.ts';
export { type OpenAiDeps, openAiRoutes } from './routes.ts';
