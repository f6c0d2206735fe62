import { OmgError } from '../../errors/index.ts';
import { ENGINE_KINDS } from '../../inference/index.ts';

/** Our engine under its names, and the names that stock clients put before every path: those leave the choice to the model's setting. */
export const BACKENDS = ['candle', 'omg', 'llama.cpp', 'vllm', 'mlx'] as const;

export const BACKEND = 'candle';

/** A path may name an engine of ours as well. Throws `not_found` for a backend that is none. */
export function assertBackend(name: string | undefined): void {
  if (name !== undefined && ![...BACKENDS, ...ENGINE_KINDS].some((known) => known === name.toLowerCase()))
    throw new OmgError('not_found', 'backend not found', { hint: `Use one of ${BACKENDS.join(', ')}.` });
}
