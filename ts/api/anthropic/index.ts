export { anthropicError } from './errors.ts';
export { type AnthropicDeps, anthropicRoutes, messageRoutes } from './routes.ts';
