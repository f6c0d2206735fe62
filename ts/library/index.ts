export { readAliases, writeAlias } from './aliases.ts';
export { type BundledModel, demoModel } from './bundled.ts';
export type { GcReport } from './collect.ts';
export { componentPath, componentsOf, modelFormat, modelPath } from './components.ts';
export { FileHasher, hashFile } from './file-hasher.ts';
export { linkOrCopy } from './file-linking.ts';
export { Gate } from './gate.ts';
export { ggufArchitecture, headerExtent } from './header-extent.ts';
export type { ImportOptions, ImportResult } from './import-local.ts';
export { type InstallInput, type InstallStep, MissingBlobError } from './install.ts';
export { type BlobsInput, installBlobs, type StagedModel, withStagedBlobs } from './install-blobs.ts';
export type { QuantizedInput } from './install-quantized.ts';
export type { Lease } from './leases.ts';
export { Library, type LibraryOptions, type OwnTraits, type RemoveResult } from './library.ts';
export { findLocalModel } from './local-model.ts';
export { acquireLock, type HeldLock, isLockHeld } from './lock-file.ts';
export { contentDigest } from './manifest.ts';
export type { StoreProblem } from './manifest-index.ts';
export {
  formatOf,
  groupGguf,
  isGguf,
  type NamedFile,
  parseShard,
  projectorOf,
  roleOf,
  selectSafetensors,
} from './model-files.ts';
export { configArchitecture, type ModelFacts, quantizationMethod, taskOf } from './model-task.ts';
export {
  DEFAULT_HOST,
  DEFAULT_NAMESPACE,
  DEFAULT_TAG,
  displayName,
  LOCAL_HOST,
  nameKey,
  openAiId,
  type ParsedName,
  parseModelName,
  toNamePart,
} from './names.ts';
export { receiveBlob } from './receive-blob.ts';
export type { ResolveOptions } from './resolve-name.ts';
export { assertSafeFilename } from './safe-filename.ts';
export { asStoreChange } from './store-error.ts';
export { StoreLayout } from './store-layout.ts';
export { openRegular, readRegular, readRegularSync } from './stranger-file.ts';
export type {
  Artifact,
  Component,
  ComponentRole,
  InstallRecord,
  ModelName,
  ModelOrigin,
  ModelProfile,
  Revision,
} from './types.ts';
