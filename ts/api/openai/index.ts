export { openAiError, openAiErrorBody } from './errors.ts';
export { readChat } from './read-chat.ts';
export { type OpenAiDeps, openAiRoutes } from './routes.ts';
