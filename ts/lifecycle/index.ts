export { type Clock, ManualClock, systemClock } from './clock.ts';
export { ModelManager, type ModelManagerOptions } from './model-manager.ts';
export { DEFAULT_LIMITS, type LifecycleLog, type Limits, type ModelStore, type Puller } from './ports.ts';
export type { RequestObserver, RequestRecord } from './request-meter.ts';
export { SAMPLING_OPTIONS } from './sampling-options.ts';
export { promptTokens } from './text-work.ts';
export type {
  Capability,
  CreateEvent,
  CreateSpec,
  Embedded,
  InstalledModel,
  LifecycleEvent,
  ModelDetails,
  Models,
  PullJob,
  PullSpec,
  PullState,
  RunningModel,
  Scored,
  UseOptions,
} from './types.ts';
