import type { FastifyRequest } from 'fastify';
import { OmgError } from '../../errors/index.ts';
import { ENGINE_KINDS, type EngineKind } from '../../inference/index.ts';
import { mayManage } from './caller.ts';

/** Docker's words for our own engine. `llama.cpp`, `vllm` and `mlx` are what stock clients say without meaning one: the model's own setting holds. */
const OURS: readonly string[] = ['candle', 'omg', 'native'];

/**
 * The engine that a request names: the `{backend}` of its path, or the field `engine` of its body. Undefined: it names none. Throws
 * `invalid_request` for one that is none, and `forbidden` where the caller may not decide what is loaded.
 */
export function engineOf(request: FastifyRequest): EngineKind | undefined {
  const { backend } = (request.params ?? {}) as { backend?: unknown };
  const asked = (request.body as { engine?: unknown } | null | undefined)?.engine;
  const engine = typeof backend === 'string' ? engineNamed(backend) : undefined;
  if (engine !== undefined || asked === undefined || asked === null) return permitted(request, engine);
  if (typeof asked !== 'string' || !(ENGINE_KINDS as readonly string[]).includes(asked)) {
    throw new OmgError('invalid_request', `engine must be one of ${ENGINE_KINDS.join(', ')}`, {
      detail: { param: 'engine' },
    });
  }
  return permitted(request, asked as EngineKind);
}

/** The engine behind a backend of docker's, whatever its case. */
export function engineNamed(backend: string): EngineKind | undefined {
  const name = backend.toLowerCase();
  if (OURS.includes(name)) return 'native';
  return ENGINE_KINDS.find((kind) => kind === name);
}

/** Another engine is another process with the model's weights: who may only use models takes the one that is set. */
function permitted(request: FastifyRequest, engine: EngineKind | undefined): EngineKind | undefined {
  if (engine === undefined || mayManage(request)) return engine;
  throw new OmgError('forbidden', 'Naming the engine needs a key that may manage models.', {
    hint: 'Leave `engine` out, or use a key with the scope manage.',
  });
}
