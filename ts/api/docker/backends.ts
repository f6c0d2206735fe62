import { OmgError } from '../../errors/index.ts';

/** The one engine under its names; stock clients know the last three. */
export const BACKENDS = ['candle', 'omg', 'llama.cpp', 'vllm', 'mlx'] as const;

export const BACKEND = 'candle';

/** Throws `not_found` for a backend that is none. */
export function assertBackend(name: string | undefined): void {
  if (name !== undefined && !BACKENDS.some((known) => known === name.toLowerCase()))
    throw new OmgError('not_found', 'backend not found', { hint: `Use one of ${BACKENDS.join(', ')}.` });
}
