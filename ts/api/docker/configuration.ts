import { OmgError } from '../../errors/index.ts';
import { contentDigest } from '../../library/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import { modelRequired, parseDockerBody } from './body.ts';
import {
  type Configuration,
  type ConfigurationFile,
  chosenEngine,
  configureSchema,
  setUpOf,
} from './configuration-file.ts';

/** Sets how models are loaded, and tells it as docker does. */
export class Configurations {
  readonly #models: Models;
  readonly #file: ConfigurationFile;

  constructor(models: Models, file: ConfigurationFile) {
    this.#models = models;
    this.#file = file;
  }

  /**
   * Throws `unsupported` for what would be ignored, `conflict` while the model answers, and what `ConfigurationFile.set` throws; else loads the
   * model behind the caller's back.
   */
  async configure(body: unknown, backend: string): Promise<void> {
    const { model: name, mode = 'completion', ...config } = parseDockerBody(configureSchema, body);
    if (name.trim() === '') throw modelRequired();
    refuseUnsupported(config, mode);
    const engine = chosenEngine(backend);
    const setUp = { ...setUpOf(config), engine };
    const model = await this.#models.resolve(name);
    const running = this.#models.running().find(({ record }) => contentDigest(record) === contentDigest(model.record));
    // Where only the engine changes nobody is disturbed: what runs ends where it began.
    const moves = engine !== undefined && running?.engine !== undefined && running.engine.kind !== engine;
    if (!moves && running !== undefined && running.activeRequests + running.queuedRequests > 0) {
      throw new OmgError('conflict', `the runner of ${model.name} is already active`);
    }
    await this.#file.set(model.record.digest, { backend, model: model.name, mode, config });
    // What fails shows in the log, the events and the next request.
    this.#models.load(model.name, setUp).catch(() => {});
  }

  /** Of one model, or of all. Throws what `Models.resolve` throws. */
  async list(name: string | undefined): Promise<object[]> {
    const digest = name === undefined ? undefined : (await this.#models.resolve(name)).record.digest;
    return this.#file
      .entries()
      .filter(([key]) => digest === undefined || key === digest)
      .map(([key, { backend, model, mode, config }]) => ({
        Backend: backend,
        Model: model,
        ModelID: `sha256:${key}`,
        Mode: mode,
        Config: config,
      }));
  }
}

function refuseUnsupported(asked: Configuration['config'], mode: string): void {
  const refuse = (param: string, why: string): never => {
    throw new OmgError('unsupported', `${param}: ${why}`, { detail: { param } });
  };
  if (mode === 'image-generation') refuse('mode', 'images cannot be generated here');
  if (asked['runtime-flags']?.length || asked['raw-runtime-flags']) {
    refuse('runtime-flags', 'this engine takes no flags of other engines; use context-size and keep_alive');
  }
  if (asked.speculative !== undefined) refuse('speculative', 'draft models are not supported');
  if (Object.keys(asked.vllm ?? {}).length > 0) refuse('vllm', 'settings of vLLM mean nothing to this engine');
  if ((asked.llamacpp?.['reasoning-budget'] ?? -1) !== -1) {
    refuse('llamacpp.reasoning-budget', 'set the effort with each request instead');
  }
}
