import { OmgError } from '../../errors/index.ts';

/** Our engine under its names, and the names that stock clients put before every path: those leave the choice to the model's setting. */
export const BACKENDS = ['candle', 'omg', 'llama.cpp', 'vllm', 'mlx'] as const;

/** Others that a path may name. */
const DRIVEN = ['native', 'llama-server'];

export const BACKEND = 'candle';

/** Throws `not_found` for a backend that is none. */
export function assertBackend(name: string | undefined): void {
  if (name !== undefined && ![...BACKENDS, ...DRIVEN].includes(name.toLowerCase()))
    throw new OmgError('not_found', 'backend not found', { hint: `Use one of ${BACKENDS.join(', ')}.` });
}
