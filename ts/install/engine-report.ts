import { type AddonCandidate, addonCandidates, RunnerEngine, thisTarget } from '../engine/index.ts';
import { OmgError } from '../errors/index.ts';
import type { DeviceInfo } from '../inference/index.ts';

export interface EngineReport {
  target: string | undefined;
  /** The addon in use; undefined where none works. */
  used: AddonCandidate | undefined;
  version: string | undefined;
  devices: DeviceInfo[];
  /** Addons that come before the one in use, and why they are not. */
  refused: { addon: AddonCandidate; reason: string }[];
  /** Those that come after it. */
  spare: AddonCandidate[];
  error: OmgError | undefined;
}

/** Which addon this installation uses and why, found out in processes that are thrown away. Never throws. */
export async function reportEngine(backends: string): Promise<EngineReport> {
  const refused: EngineReport['refused'] = [];
  const engine = new RunnerEngine({ backends, onFallback: (addon, reason) => refused.push({ addon, reason }) });
  const target = thisTarget()?.name;
  try {
    const used = await engine.addon();
    const [version, devices] = [await engine.version(), await engine.devices()];
    const all = addonCandidates({ backends });
    const spare = all.slice(all.findIndex(({ path }) => path === used.path) + 1);
    return { target, used, version, devices, refused, spare, error: undefined };
  } catch (error) {
    return {
      target,
      used: undefined,
      version: undefined,
      devices: [],
      refused,
      spare: [],
      error: OmgError.from(error),
    };
  } finally {
    await engine.close();
  }
}
