export { type BackendChoice, chooseCuda, type InstallOptions, installCuda, removeBackend } from './backend.ts';
export {
  DOCKER_PLUGINS,
  type DockerPlugin,
  installDockerPlugins,
  isDockerPlugin,
  uninstallDockerPlugins,
} from './docker-plugin.ts';
export { type EngineReport, reportEngine } from './engine-report.ts';
export { fetchVersion, latestVersion } from './fetch-version.ts';
export { type Nvidia, type NvidiaGpu, nvidia } from './gpu.ts';
export { type InstallSite, installSiteOf } from './install-site.ts';
export { lastingCommand } from './lasting-command.ts';
export { type Network, networkOf } from './network.ts';
export { type Program, programIn, runProgram, selfTest } from './program.ts';
export {
  installService,
  restartService,
  serviceFor,
  serviceSpec,
  serviceState,
  uninstallService,
} from './service/manage.ts';
export type { Scope, Service, ServiceSpec, ServiceState } from './service/service.ts';
export { compareVersions, isVersion } from './version-order.ts';
