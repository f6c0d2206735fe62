export {
  type AddonCandidate,
  addonCandidates,
  type InstalledBackend,
  installedBackends,
  systemLibc,
  thisTarget,
} from './native/index.ts';
export { RunnerEngine, type RunnerEngineOptions } from './runner-engine.ts';
export * from './stand-in/index.ts';
