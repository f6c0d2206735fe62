import type { RouteOptions } from 'fastify';
import type { DeviceInfo } from '../../inference/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import type { RemoteModel } from '../../sources/index.ts';
import type { ConfigurationFile } from './configuration-file.ts';

/** What docker model-runner's routes need; the daemon wires it. */
export interface DockerDeps {
  models: Models;
  /** What is configured here; the life cycle reads it. */
  configurations: ConfigurationFile;
  /** May start a process the first time. */
  devices: () => Promise<DeviceInfo[]>;
  /** Asks the hub what a pull would bring. Errors as a pull's. */
  remoteModel: (name: string, signal: AbortSignal) => Promise<RemoteModel>;
  /** The routes of the other dialects that are there already; those of inference answer below `/engines` too. */
  routes: readonly RouteOptions[];
}
