import { OmgError, shortJson } from '../errors/index.ts';

const UNIT_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };
/** Each digit has one place in it, so that a text that is no duration is found out in one pass. */
const GO_DURATION = /^([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
/** More than anybody writes. */
const MAX_LENGTH = 100;
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/** A Go duration (`300ms`, `1.5h`, `2h45m`, `-1m`, bare `0`) in milliseconds; undefined when it is none. */
export function parseGoDuration(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  if (/^[+-]?0$/.test(text)) return 0;
  const match = GO_DURATION.exec(text);
  if (!match) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(PART)) total += Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  return match[1] === '-' ? -total : total;
}

/**
 * `keep_alive` as clients send it, in milliseconds: a number is seconds, a string a Go duration, anything negative is
 * forever (Infinity). Undefined and null mean the default and give undefined. Throws `invalid_request` for the rest.
 */
export function parseKeepAlive(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  let ms: number | undefined;
  if (typeof value === 'number' && Number.isFinite(value)) ms = value * 1000;
  else if (typeof value === 'string') ms = parseGoDuration(value.trim());
  if (ms === undefined) {
    throw new OmgError('invalid_request', `invalid keep_alive ${shortJson(value)}`, {
      hint: 'Use seconds as a number, or a duration such as "10m", "1.5h" or "-1m" (forever).',
      detail: { param: 'keep_alive' },
    });
  }
  return ms < 0 ? Number.POSITIVE_INFINITY : ms;
}

/** Milliseconds as a short Go duration that `parseGoDuration` reads back; Infinity is `-1s`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '-1s';
  if (ms === 0) return '0';
  let rest = ms;
  let text = '';
  for (const [unit, size] of [
    ['h', 3.6e6],
    ['m', 6e4],
    ['s', 1e3],
    ['ms', 1],
  ] as const) {
    const count = unit === 'ms' ? rest : Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
