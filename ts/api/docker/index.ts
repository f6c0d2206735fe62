export { ConfigurationFile } from './configuration-file.ts';
export { dockerError } from './errors.ts';
export { inferencePath, stripDockerPrefix } from './paths.ts';
export type { DockerDeps } from './ports.ts';
export { dockerRoutes } from './routes.ts';
