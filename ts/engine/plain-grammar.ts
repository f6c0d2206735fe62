import type { Grammar, GrammarRule } from '../inference/index.ts';

/**
 * Grammars that are known to compile in a few milliseconds by what they are made of, so that the usual request needs no trial.
 * Everything that can multiply (intersections, nested repetitions, references beside other keywords) is left to the trial.
 */
export function isPlainGrammar(grammar: Grammar): boolean {
  switch (grammar.kind) {
    case 'json_object':
      return true;
    case 'json_schema':
      return isPlainSchema(grammar.schema, budget());
    case 'regex':
      return isPlainPattern(grammar.pattern);
    case 'lark':
      return isPlainLark(grammar.source, grammar.rules ?? {});
    case 'gbnf':
      return false;
  }
}

interface Budget {
  schemas: number;
  characters: number;
}

function budget(): Budget {
  return { schemas: 300, characters: 32_768 };
}

const DEEPEST = 24;
const MOST_OPTIONS = 20;
const LARGEST_COUNT = 200;

/** Say nothing about the document. */
const REMARKS = new Set([
  '$comment',
  '$id',
  '$schema',
  'default',
  'deprecated',
  'description',
  'example',
  'examples',
  'readOnly',
  'title',
  'writeOnly',
]);

function isPlainSchema(schema: unknown, left: Budget, depth = 0): boolean {
  left.schemas -= 1;
  if (typeof schema === 'boolean') return true;
  if (!isObject(schema) || left.schemas < 0 || depth > DEEPEST) return false;
  const keys = Object.keys(schema).filter((key) => !REMARKS.has(key));
  // References and alternatives multiply with what stands beside them.
  const joins = keys.some((key) => key === '$ref' || key === 'anyOf' || key === 'oneOf');
  if (joins && keys.filter((key) => key !== '$defs' && key !== 'definitions').length > 1) return false;
  if (keys.includes('pattern') && keys.some((key) => key === 'format' || key.endsWith('Length'))) return false;
  return keys.every((key) => isPlainKeyword(key, schema[key], left, depth + 1));
}

function isPlainKeyword(key: string, value: unknown, left: Budget, depth: number): boolean {
  const inner = (schema: unknown): boolean => isPlainSchema(schema, left, depth);
  switch (key) {
    case 'type':
    case 'nullable':
    case 'format':
    case 'const':
    case '$ref':
    case 'required':
    case 'enum':
      return isShort(value, left);
    case 'properties':
    case '$defs':
    case 'definitions':
      return isObject(value) && Object.entries(value).every(([name, member]) => isShort(name, left) && inner(member));
    case 'items':
    case 'additionalProperties':
      return inner(value);
    case 'anyOf':
    case 'oneOf':
    case 'prefixItems':
      return Array.isArray(value) && value.length <= MOST_OPTIONS && value.every(inner);
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return typeof value === 'number';
    case 'minItems':
    case 'maxItems':
    case 'minLength':
    case 'maxLength':
      return typeof value === 'number' && value <= LARGEST_COUNT;
    case 'pattern':
      return typeof value === 'string' && isShort(value, left) && isPlainPattern(value);
    default:
      return false;
  }
}

/** Takes the length of names and values off what is left, without writing them down. */
function isShort(value: unknown, left: Budget): boolean {
  if (Array.isArray(value)) return value.every((item) => isShort(item, left));
  if (isObject(value)) return Object.entries(value).every(([name, item]) => isShort(name, left) && isShort(item, left));
  left.characters -= typeof value === 'string' ? value.length + 8 : 8;
  return left.characters >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Short, with few repetitions by number, and none of a group. */
function isPlainPattern(pattern: string): boolean {
  const counts = pattern.match(/\{[\d,\s]*\}/g) ?? [];
  return (
    pattern.length <= 200 &&
    counts.length <= 4 &&
    counts.every((count) => isSmallCount(count, LARGEST_COUNT)) &&
    !/\)\s*\{/.test(pattern)
  );
}

function isSmallCount(count: string, most: number): boolean {
  return (count.match(/\d+/g) ?? []).every((number) => Number(number) <= most);
}

/** Such as forced calls: rules in a row, few words, and documents. */
function isPlainLark(source: string, rules: Record<string, GrammarRule>): boolean {
  if (source.length > 16_384) return false;
  const outside = source.replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '""');
  const counts = outside.match(/\{[^}]*\}/g) ?? [];
  const words = outside.match(/^\s*[A-Z_][A-Z_0-9]*\s*:/gm) ?? [];
  if (/[&~%]/.test(outside) || words.length > 3) return false;
  if (counts.length > 4 || !counts.every((count) => isSmallCount(count, 16))) return false;
  const left = budget();
  return Object.values(rules).every((rule) =>
    'text' in rule ? isShort(rule.text, left) : isPlainSchema(rule.schema, left),
  );
}
