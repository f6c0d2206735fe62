import { OmgError } from '../errors/index.ts';

/** So many requests in so long. */
export interface Rate {
  count: number;
  perMs: number;
}

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `60/m` as a rate. Throws `invalid_request`. */
export function parseRate(text: string): Rate {
  const match = /^([1-9]\d{0,8})\/([smhd])$/.exec(text.trim());
  if (match === null) {
    throw new OmgError('invalid_request', `"${text}" is not a rate.`, {
      hint: 'Write requests per second, minute, hour or day: 5/s, 60/m, 1000/h, 10000/d.',
    });
  }
  return { count: Number(match[1]), perMs: UNIT_MS[match[2] ?? ''] ?? 0 };
}

export function formatRate({ count, perMs }: Rate): string {
  const unit = Object.keys(UNIT_MS).find((name) => UNIT_MS[name] === perMs);
  return unit === undefined ? `${count}/${perMs}ms` : `${count}/${unit}`;
}
