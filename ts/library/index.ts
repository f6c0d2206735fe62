export { type BundledModel, demoModel } from './bundled.ts';
export type { GcReport } from './collect.ts';
export type { InstallInput, InstallStep } from './install.ts';
export { Library, type LibraryOptions, type RemoveResult } from './library.ts';
export type { StoreProblem } from './manifest-index.ts';
export { displayName, nameKey, openAiId, type ParsedName, parseModelName } from './names.ts';
export type { ResolveOptions } from './resolve-name.ts';
export type { Artifact, InstallRecord, ModelName, ModelRef, Revision } from './types.ts';
