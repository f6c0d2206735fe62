import { OmgError } from '../../errors/index.ts';
import type { ThinkLevel } from '../../inference/index.ts';

const EFFORTS: Record<string, boolean | ThinkLevel> = {
  none: false,
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  max: 'max',
  xhigh: 'max',
  ultra: 'max',
};

/** What an effort asks of a model; undefined for one we do not know. */
export function thinkOfEffort(effort: string): boolean | ThinkLevel | undefined {
  return Object.hasOwn(EFFORTS, effort) ? EFFORTS[effort] : undefined;
}

/** As `thinkOfEffort`. Throws `invalid_request` for an unknown effort; `param` names the field. */
export function requireEffort(effort: string, param: string): boolean | ThinkLevel {
  const think = thinkOfEffort(effort);
  if (think !== undefined) return think;
  throw new OmgError('invalid_request', `${param}: unknown effort "${effort}"`, {
    hint: `Use one of ${Object.keys(EFFORTS).join(', ')}.`,
    detail: { param },
  });
}
