export * from './llama-server/index.ts';
export {
  type Addon,
  type AddonCandidate,
  addonCandidates,
  addonUnavailable,
  type InstalledBackend,
  installedBackends,
  loadAddon,
  systemLibc,
  thisTarget,
} from './native/index.ts';
export { EngineRouter } from './router.ts';
export { RunnerEngine, type RunnerEngineOptions } from './runner-engine.ts';
export * from './stand-in/index.ts';
