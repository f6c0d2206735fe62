import { parseExact } from '../../inference/index.ts';

/** A number that JavaScript would change, by its place in a body. It can be sent between threads. */
export interface ExactNumber {
  path: (string | number)[];
  text: string;
}

/**
 * Fields of a body in which a model's or a template's own data stands, such as schemas and the arguments of calls. Nothing here reads numbers
 * in them, so they can stay as they were written; everywhere else a number is a number.
 */
const PASSED_ON = new Set([
  'chat_template_kwargs',
  'format',
  'functions',
  'guided_json',
  'json_schema',
  'messages',
  'output_config',
  'output_format',
  'response_format',
  'text',
  'tools',
]);

/** Long integers, zeros at the end of a fraction, exponents and negative zero; where strings look so, only time is lost. */
const SUSPICIOUS = /\d{16}|\.\d*0\s*[,\]}]|\d[eE][+-]?\d|-0\s*[,\]}]/;

/** The numbers of valid JSON text that have to be kept as they are written. */
export function findExactNumbers(text: string): ExactNumber[] {
  const found: ExactNumber[] = [];
  if (!SUSPICIOUS.test(text)) return found;
  const body = parseExact(text);
  if (!isHolder(body) || Array.isArray(body)) return found;
  const walk = (value: unknown, path: (string | number)[]): void => {
    if (!isHolder(value)) return;
    if (JSON.isRawJSON(value)) found.push({ path, text: JSON.stringify(value) });
    else if (Array.isArray(value)) for (const [at, item] of value.entries()) walk(item, [...path, at]);
    else for (const [key, item] of Object.entries(value)) walk(item, [...path, key]);
  };
  for (const key of PASSED_ON) if (Object.hasOwn(body, key)) walk(body[key], [key]);
  return found;
}

/** Puts them into the value that the text was parsed to, as `JSON.rawJSON`. */
export function putExactNumbers(value: unknown, numbers: readonly ExactNumber[]): unknown {
  for (const { path, text } of numbers) {
    const last = path.at(-1);
    let holder = value;
    for (const part of path.slice(0, -1)) holder = isHolder(holder) ? holder[part] : undefined;
    if (isHolder(holder) && last !== undefined) holder[last] = JSON.rawJSON(text);
  }
  return value;
}

function isHolder(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}
