import { OmgError, shortJson } from '../errors/index.ts';
import { formatDuration, parseGoDuration } from './duration.ts';
import { SETTINGS, type SettingKey, type SettingSpec, type SettingValue, specOf } from './settings.ts';

const LONGEST_SHOWN_KEY = 80;

const TRUE = new Set(['1', 'true', 'yes', 'on']);
const FALSE = new Set(['0', 'false', 'no', 'off']);

/**
 * A value from a file, a flag, a variable or a PATCH body, in the form of `Settings`. `bareSeconds` reads a unitless duration
 * as seconds (environment). Throws `invalid_config`; `subject` is what the person wrote the value of: a flag, a variable, a key.
 */
export function parseSetting(key: SettingKey, value: unknown, subject: string, bareSeconds = false): SettingValue {
  const spec = specOf(key);
  const wrong = (expected: string): OmgError =>
    new OmgError('invalid_config', `${subject} must be ${expected}, not ${shown(spec, value)}.`, { detail: { key } });
  const text = typeof value === 'string' ? value.trim() : undefined;
  switch (spec.kind) {
    case 'integer': {
      const number = typeof value === 'number' ? value : text ? Number(text) : Number.NaN;
      const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = spec;
      if (!Number.isInteger(number) || number < min || number > max) {
        throw wrong(spec.max === undefined ? `a whole number ≥ ${min}` : `a whole number from ${min} to ${max}`);
      }
      return number;
    }
    case 'boolean': {
      if (typeof value === 'boolean') return value;
      const word = text?.toLowerCase() ?? (value === 1 ? '1' : value === 0 ? '0' : '');
      if (!TRUE.has(word) && !FALSE.has(word)) throw wrong('true or false');
      return TRUE.has(word);
    }
    case 'duration': {
      let ms = typeof value === 'number' ? value * 1000 : parseGoDuration(text ?? '');
      if (ms === undefined && bareSeconds && text && Number.isFinite(Number(text))) ms = Number(text) * 1000;
      if (ms === undefined || Number.isNaN(ms)) throw wrong('a duration such as "5m" or "1h30m"');
      return ms < 0 ? Number.POSITIVE_INFINITY : ms;
    }
    case 'list': {
      if (text !== undefined)
        return text
          .split(',')
          .map((entry) => entry.trim())
          .filter((entry) => entry !== '');
      if (Array.isArray(value) && value.every((entry): entry is string => typeof entry === 'string')) return value;
      throw wrong('a list of strings');
    }
    case 'choice': {
      if (text === undefined || !spec.of.includes(text)) throw wrong(`one of ${spec.of.join(', ')}`);
      return text;
    }
    case 'url': {
      if (text === undefined || !URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
        throw wrong('an http(s) address');
      return text.replace(/\/+$/, '');
    }
    case 'string':
      if (text === undefined) throw wrong('a string');
      if (spec.form?.pattern.test(text) === false) throw wrong(spec.form.words);
      return text;
    default:
      if (text === undefined) throw wrong('a string');
      return text;
  }
}

/** A value as people read it; secrets become `********`. */
export function displaySetting(key: SettingKey, value: SettingValue): SettingValue {
  const spec = specOf(key);
  if (spec.kind === 'secret') return value === '' ? '' : '********';
  if (spec.kind === 'duration' && typeof value === 'number') return formatDuration(value);
  return value;
}

function shown(spec: SettingSpec, value: unknown): string {
  return spec.kind === 'secret' ? 'what it is' : shortJson(value);
}

/** The error for a key that does not exist, with the nearest one as the hint. */
export function unknownKey(key: string, origin: string): OmgError {
  const known = Object.keys(SETTINGS).filter((name) => specOf(name as SettingKey).file !== false);
  // A key may come from anyone and be as long as a body; the nearest one is looked for by its length times that of each.
  const shown = key.length > LONGEST_SHOWN_KEY ? `${key.slice(0, LONGEST_SHOWN_KEY)}…` : key;
  const nearest = nearestName(shown, known);
  return new OmgError('invalid_config', `${origin}: unknown key "${shown}".`, {
    hint: nearest === undefined ? `The keys are: ${known.join(', ')}.` : `Did you mean "${nearest}"?`,
    detail: { key: shown, origin },
  });
}

function nearestName(name: string, names: string[]): string | undefined {
  const last = (key: string): string => key.slice(key.lastIndexOf('.') + 1);
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  // What is far longer than any name is like none of them.
  if (name.length > 2 * Math.max(...names.map(({ length }) => length))) return undefined;
  for (const candidate of names) {
    const distance = Math.min(editDistance(name, candidate), editDistance(last(name), last(candidate)) + 1);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
