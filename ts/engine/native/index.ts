export type { Addon, AddonGeneration, AddonModel, Outcome } from './addon.ts';
export { addonCandidates, addonUnavailable } from './find-addon.ts';
export { loadAddon, unwrap } from './load-addon.ts';
