import { OmgError } from '../errors/index.ts';
import type {
  DeviceInfo,
  Engine,
  EngineDriver,
  EngineKind,
  EngineLoad,
  Grammar,
  LoadedModel,
  LoadOptions,
  LoadSpec,
  MemoryPlan,
  ModelHeader,
} from '../inference/index.ts';

/** Our engine reads every model; each is served by the driver that its load names. */
export class EngineRouter implements Engine {
  readonly #native: Engine;
  readonly #drivers: Partial<Record<EngineKind, EngineDriver>>;

  constructor(native: Engine, drivers: Partial<Record<EngineKind, EngineDriver>>) {
    this.#native = native;
    this.#drivers = drivers;
  }

  devices(): Promise<DeviceInfo[]> {
    return this.#native.devices();
  }

  inspect(path: string): Promise<ModelHeader> {
    return this.#native.inspect(path);
  }

  plan(spec: LoadSpec): Promise<MemoryPlan> {
    return this.#native.plan(spec);
  }

  checkGrammar(grammar: Grammar, signal?: AbortSignal): Promise<void> {
    return this.#native.checkGrammar(grammar, signal);
  }

  quantize(path: string, target: string, out: string, options?: LoadOptions): Promise<void> {
    return this.#native.quantize(path, target, out, options);
  }

  async load(spec: EngineLoad, options?: LoadOptions): Promise<LoadedModel> {
    const { engine = 'native' } = spec;
    // Counting tokens is the same on every engine, and ours does it without weights.
    if (engine === 'native' || spec.tokenizerOnly) return this.#native.load(spec, options);
    const driver = this.#drivers[engine];
    if (driver === undefined) throw new OmgError('engine_unavailable', `There is no driver for ${engine} here.`);
    return driver.load(spec, options);
  }

  async close(): Promise<void> {
    await Promise.all([this.#native.close(), ...Object.values(this.#drivers).map((driver) => driver.close())]);
  }
}
