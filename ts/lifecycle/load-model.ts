import { join } from 'node:path';
import { OmgError } from '../errors/index.ts';

import type { EngineDriver, EngineLoad, LoadedModel, ModelInspector } from '../inference/index.ts';
import { type InstallRecord, modelPath } from '../library/index.ts';

import type { Admission, Occupant } from './admission.ts';
import type { Clock } from './clock.ts';
import { explainMissingDevice } from './missing-device.ts';
import type { Limits } from './ports.ts';
import { withoutFolder } from './without-folder.ts';

export interface LoadDeps {
  engine: EngineDriver & Pick<ModelInspector, 'devices'>;
  admission: Admission;
  clock: Clock;
  limits: Limits;
}

/** Makes room, then loads; gives up with `model_load_failed` when the load makes no progress for too long. */
export async function loadModel(
  occupant: Occupant,
  spec: EngineLoad,
  signal: AbortSignal,
  { engine, admission, clock, limits }: LoadDeps,
): Promise<LoadedModel> {
  const admitted = occupant.tokenizerOnly ? undefined : await admission.admit(occupant, spec, signal);
  const abort = new AbortController();
  const cancel = (): void => abort.abort();
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  let stalled = false;
  let disarm = (): void => {};
  const arm = (): void => {
    disarm();
    disarm = clock.timer(limits.loadTimeoutMs, () => {
      stalled = true;
      abort.abort();
    });
  };
  arm();
  try {
    return await withoutFolder(spec.path, engine.load(spec, { signal: abort.signal, onProgress: arm }));
  } catch (error) {
    if (!stalled) throw await explainMissingDevice(engine, spec.device, error);
    throw new OmgError(
      'model_load_failed',
      `${occupant.name} made no progress for ${limits.loadTimeoutMs / 1000} s while it loaded.`,
      {
        hint: 'Check the disk the model is on, and the log for what the runner said.',
        cause: error,
      },
    );
  } finally {
    disarm();
    signal.removeEventListener('abort', cancel);
    admitted?.loaded();
  }
}

/** @param asked the window that requests ask for; absent: the limit's, or what the engine chooses. */
export function loadSpec(
  record: InstallRecord,
  limits: Limits,
  asked: number | undefined,
  tokenizerOnly: boolean,
): EngineLoad {
  const contextLength = asked ?? limits.contextLength;
  return {
    path: modelPath(record),
    components: record.components.map(({ role, path }) => ({ role, path: join(record.localPath, path) })),
    maxSequences: limits.numParallel,
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(limits.device === undefined ? {} : { device: limits.device }),
    ...(limits.threads === undefined ? {} : { threads: limits.threads }),
    ...(tokenizerOnly ? { tokenizerOnly: true } : {}),
  };
}
