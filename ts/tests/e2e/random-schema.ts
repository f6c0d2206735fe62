/** A generator of numbers from a seed (mulberry32), so that a failure can be repeated. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Schema = Record<string, unknown>;

/** A schema of an object whose documents are short, with most keywords that can be enforced. */
export function randomObjectSchema(random: () => number, depth = 2): Schema {
  const below = (limit: number): number => Math.floor(random() * limit);
  const properties: Record<string, Schema> = {};
  for (let i = 0; i < 1 + below(3); i++)
    properties[`${['a', 'name', 'größe', 'x y'][below(4)]}${i}`] = randomSchema(random, depth - 1);
  const required = Object.keys(properties).filter(() => random() < 0.6);
  return {
    type: 'object',
    properties,
    ...(required.length === 0 ? {} : { required }),
    ...(random() < 0.5 ? { additionalProperties: false } : {}),
  };
}

function randomSchema(random: () => number, depth: number): Schema {
  const below = (limit: number): number => Math.floor(random() * limit);
  const kinds: (() => Schema)[] = [
    () => ({ type: 'string', minLength: below(2), maxLength: 1 + below(6) }),
    () => ({ type: 'string', pattern: ['^[A-Z]{2}-[0-9]{1,3}$', '^(ab|c)*d$', '^\\d+€$'][below(3)] }),
    () => ({ type: 'string', format: ['date', 'ipv4', 'uuid'][below(3)] }),
    () => ({ type: 'integer', minimum: -below(50), maximum: below(500) }),
    () => ({ type: 'integer' }),
    () => ({ type: 'number', exclusiveMinimum: 0, maximum: 10.5 }),
    () => ({ type: ['boolean', 'null'] }),
    () => ({ enum: ['red', 'grün', 7, null, { deep: [true] }].slice(below(4)) }),
    () => ({ const: `"quoted"\n${below(9)}` }),
  ];
  const nested: (() => Schema)[] = [
    () => randomObjectSchema(random, depth),
    () => {
      const maxItems = 1 + below(3);
      return { type: 'array', items: randomSchema(random, depth - 1), minItems: below(maxItems + 1), maxItems };
    },
    () => ({ anyOf: [randomSchema(random, depth - 1), randomSchema(random, depth - 1)] }),
    () => ({
      type: 'array',
      prefixItems: [randomSchema(random, depth - 1), { type: 'boolean' }],
      minItems: 2,
      items: false,
    }),
  ];
  const all = depth > 0 ? [...kinds, ...nested, ...nested] : kinds;
  return all[below(all.length)]?.() ?? {};
}
