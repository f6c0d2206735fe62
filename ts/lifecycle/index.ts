export { type Clock, ManualClock, systemClock } from './clock.ts';
export { judgeModel, judgeRemote } from './judge-model.ts';
export { ModelManager, type ModelManagerOptions } from './model-manager.ts';
export { DEFAULT_LIMITS, type LifecycleLog, type Limits, type ModelStore, type Puller } from './ports.ts';
export { promptTokens, type RequestObserver, type RequestRecord } from './request-meter.ts';
export { requireCapability, unsupportedCapability } from './require-capability.ts';
export { SAMPLING_OPTIONS } from './sampling-options.ts';
export type {
  Capability,
  CreateEvent,
  CreateSpec,
  InstalledModel,
  LifecycleEvent,
  ModelDetails,
  Models,
  PullJob,
  PullSpec,
  PullState,
  RunningModel,
  UseOptions,
} from './types.ts';
export { withoutFolder } from './without-folder.ts';
export { mainWork, WORK_KINDS } from './work-kinds.ts';
