import type { RouteOptions } from 'fastify';
import type { ChatRequest, LoadSpec, MemoryPlan } from '../../inference/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import type { LoopDelay, Metrics } from './metrics.ts';

/** What the service routes need; the daemon wires it. */
export interface ServiceDeps {
  models: Models;
  /** Absent: switched off. */
  metrics?: Metrics;
  loopDelay: LoopDelay;
  /** What a model would take. Absent fields are those of a load by default. */
  plan: (spec: LoadSpec) => Promise<MemoryPlan>;
  /** The built-in short names. May load the hub's code the first time. */
  catalog: () => Promise<CatalogEntry[]>;
  /** A chat body of the OpenAI dialect as the request it stands for. Throws `invalid_request` and what `Models.resolve` throws. */
  readChat: (body: unknown) => Promise<{ name: string; request: ChatRequest }>;
  /** Every route there is. */
  routes: () => readonly RouteOptions[];
}

export interface CatalogEntry {
  /** Such as `qwen3:4b`. */
  name: string;
  /** `owner/repo`. */
  repo: string;
}
