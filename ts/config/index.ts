export { sweepUnfinished, syncFolder, TEMPORARY_PREFIX, writeFileAtomically } from './atomic-file.ts';
export { bareEnvironment } from './bare-environment.ts';
export { childEnvironment } from './child-environment.ts';
export { formatDuration, parseGoDuration, parseKeepAlive } from './duration.ts';
export { writeSettings } from './edit.ts';
export { entryFile } from './entry-file.ts';
export { baseUrl, reachableHost } from './host.ts';
export { type HubToken, hubToken } from './hub-token.ts';
export { type Installation, type InstalledBy, installation, RELEASE_FILE } from './installation.ts';
export {
  type Config,
  type Environment,
  environmentAddress,
  type LoadConfigOptions,
  loadConfig,
  readSettingsFile,
  type SettingSource,
  sourceOf,
} from './load.ts';
export type { Paths } from './paths.ts';
export { environmentWith, findProgram } from './program.ts';
export { readRegularFile } from './regular-file.ts';
export { displaySetting, parseSetting, unknownKey } from './setting-values.ts';
export {
  isSettingKey,
  maySet,
  SETTINGS,
  type SettingKey,
  type SettingSpec,
  type Settings,
  type SettingValue,
  specOf,
  WITHOUT_EFFECT,
} from './settings.ts';
export { VERSION } from './version.ts';
