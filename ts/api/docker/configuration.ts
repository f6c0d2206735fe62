import { z } from 'zod';
import { parseKeepAlive } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { contentDigest } from '../../library/index.ts';
import type { InstalledModel, Models, UseOptions } from '../../lifecycle/index.ts';
import { list, optional, record } from '../wire/index.ts';
import { modelRequired, parseDockerBody } from './body.ts';

const MODES = ['completion', 'embedding', 'reranking', 'image-generation'] as const;

const anyObject = record(z.unknown());

export const configureSchema = z.object({
  model: z.string().min(1),
  mode: optional(z.enum(MODES)),
  'context-size': optional(z.number().int().min(-1)),
  'runtime-flags': optional(list(z.string())),
  'raw-runtime-flags': optional(z.string()),
  speculative: optional(anyObject),
  keep_alive: optional(z.string()),
  vllm: optional(anyObject),
  llamacpp: optional(z.object({ 'reasoning-budget': optional(z.number().int()) })),
});

interface Configuration {
  backend: string;
  model: string;
  id: string;
  mode: (typeof MODES)[number];
  use: UseOptions;
  asked: object;
}

/** What clients have configured, by model; kept as long as the daemon runs. */
export class Configurations {
  readonly #models: Models;
  readonly #byId = new Map<string, Configuration>();

  constructor(models: Models) {
    this.#models = models;
  }

  /** Throws `unsupported` for what would be ignored and `conflict` while the model answers; else loads it behind the caller's back. */
  async configure(body: unknown, backend: string): Promise<void> {
    const { model: name, mode = 'completion', ...asked } = parseDockerBody(configureSchema, body);
    if (name.trim() === '') throw modelRequired();
    refuseUnsupported(asked, mode);
    const use: UseOptions = { keepAliveMs: parseKeepAlive(asked.keep_alive) };
    if ((asked['context-size'] ?? 0) > 0) use.contextLength = asked['context-size'];
    const model = await this.#models.resolve(name);
    const running = this.#models.running().find(({ record }) => contentDigest(record) === contentDigest(model.record));
    if (running !== undefined && running.activeRequests + running.queuedRequests > 0) {
      throw new OmgError('conflict', `the runner of ${model.name} is already active`);
    }
    const { digest } = model.record;
    this.#byId.set(digest, { backend, model: model.name, id: `sha256:${digest}`, mode, use, asked });
    // What fails shows in the log, the events and the next request.
    this.#models.load(model.name, use).catch(() => {});
  }

  /** Of one model, or of all. Throws what `Models.resolve` throws. */
  async list(name: string | undefined): Promise<object[]> {
    const digest = name === undefined ? undefined : (await this.#models.resolve(name)).record.digest;
    return [...this.#byId]
      .filter(([key]) => digest === undefined || key === digest)
      .map(([, { backend, model, id, mode, asked }]) => ({
        Backend: backend,
        Model: model,
        ModelID: id,
        Mode: mode,
        Config: asked,
      }));
  }

  /** What was configured for a model that a request names. */
  async configuredFor(name: string): Promise<UseOptions | undefined> {
    if (this.#byId.size === 0) return undefined;
    const model = await this.#models.resolve(name).catch((): InstalledModel | undefined => undefined);
    return model === undefined ? undefined : this.#byId.get(model.record.digest)?.use;
  }
}

function refuseUnsupported(asked: Omit<z.output<typeof configureSchema>, 'model' | 'mode'>, mode: string): void {
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
