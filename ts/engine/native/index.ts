export type { Addon, AddonModel, AddonTask, Outcome } from './addon.ts';
export {
  type AddonCandidate,
  type AddonSearch,
  addonCandidates,
  addonUnavailable,
  type InstalledBackend,
  installedBackends,
} from './find-addon.ts';
export { loadAddon, unwrap } from './load-addon.ts';
export { systemLibc, thisTarget } from './platform.ts';
