/** The part of JSON Schema that the description of the API uses. */
export interface Schema {
  /** Several where it may also be null. */
  type?: string | string[];
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  minimum?: number;
  maximum?: number;
}

/** Its type, the first of several. */
export function typeOf({ type }: Schema): string | undefined {
  return typeof type === 'string' ? type : type?.[0];
}

/** Random choices that a seed repeats. */
export interface Draw {
  /** In [0, 1). */
  number(): number;
  pick<T>(values: readonly T[]): T;
}

export function draws(seed: number): Draw {
  let state = seed >>> 0;
  // Mulberry32.
  const number = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = <T>(values: readonly T[]): T => values[Math.floor(number() * values.length)] as T;
  return { number, pick };
}

const TEXTS = [
  'tiny',
  'tiny',
  'nope',
  '',
  'user',
  'assistant',
  'tool',
  'text',
  'function',
  '5m',
  'x y',
  '\u0000',
  '🙂',
  'low',
  '{{',
  'constructor',
  '__proto__',
  'toString',
  '../..',
  '1'.repeat(3000),
  '\ud800',
];
const NUMBERS = [0, 1, 2, -1, 0.5, 16, 64, 1e9, -1e308, Number.MAX_SAFE_INTEGER];
const JUNK = [
  null,
  true,
  -1,
  1e308,
  '',
  'tiny',
  [],
  {},
  [null],
  { a: { b: [1] } },
  [[[]]],
  JSON.parse('{"__proto__":{"x":1},"constructor":1,"toString":"x"}'),
  Array(500).fill(1),
];

/** What the schema asks for, but for the share of values that are something else. */
export function bodyOf(schema: Schema, draw: Draw, wildness: number): unknown {
  if (draw.number() < wildness) return draw.pick(JUNK);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return draw.pick(schema.enum);
  if (schema.anyOf !== undefined) return bodyOf(draw.pick(schema.anyOf), draw, wildness);
  switch (typeOf(schema)) {
    case 'string':
      return draw.pick(TEXTS);
    case 'integer':
    case 'number':
      return draw.number() < 0.6 ? within(schema, draw) : draw.pick(NUMBERS);
    case 'boolean':
      return draw.number() < 0.5;
    case 'null':
      return null;
    case 'array':
      return Array.from({ length: draw.pick([0, 1, 1, 2]) }, () => bodyOf(schema.items ?? {}, draw, wildness));
    case 'object':
      return objectOf(schema, draw, wildness);
    default:
      return draw.pick(JUNK);
  }
}

function objectOf({ properties = {}, required = [] }: Schema, draw: Draw, wildness: number): unknown {
  const entries = Object.entries(properties).flatMap(([name, schema]): [string, unknown][] => {
    const isThere = draw.number() < (required.includes(name) ? 0.95 : 0.2);
    if (!isThere) return [];
    // Most requests should get past the name of the model.
    if (name === 'model' && draw.number() < 0.8) return [[name, 'tiny']];
    return [[name, bodyOf(schema, draw, wildness)]];
  });
  return Object.fromEntries(entries);
}

function within(schema: Schema, draw: Draw): number {
  const { minimum = 0, maximum = 10 } = schema;
  const value = minimum + draw.number() * (Math.min(maximum, minimum + 100) - minimum);
  return typeOf(schema) === 'integer' ? Math.round(value) : value;
}
