import { pythonJson } from './python-calls.ts';
import { compactJson } from './read-json.ts';

/** The kinds of value that a schema allows. */
export type ArgumentKinds = ReadonlySet<Kind>;
type Kind = 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object';
type Schema = Record<string, unknown>;

const KINDS: Readonly<Record<string, Kind>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
  array: 'array',
  object: 'object',
};

/** References may go round in circles. */
const DEEPEST = 8;

/** The kinds of value that a parameter of a tool may have; undefined where its schema does not say. */
export function argumentKinds(parameters: Schema | undefined, key: string): ArgumentKinds | undefined {
  const properties = parameters?.properties;
  if (parameters === undefined || !isSchema(properties) || !Object.hasOwn(properties, key)) return undefined;
  return kindsOf(properties[key], parameters, 0);
}

function kindsOf(schema: unknown, root: Schema, depth: number): ArgumentKinds | undefined {
  if (!isSchema(schema) || depth > DEEPEST) return undefined;
  if (typeof schema.$ref === 'string') return kindsOf(resolve(schema.$ref, root), root, depth + 1);
  const types = [schema.type].flat().filter((type) => typeof type === 'string');
  const named = types.flatMap((type) => (Object.hasOwn(KINDS, type) ? [KINDS[type] as Kind] : []));
  if (named.length > 0) return new Set(named);
  if (Array.isArray(schema.enum)) return new Set(schema.enum.map(kindOf));
  if ('const' in schema) return new Set([kindOf(schema.const)]);
  for (const union of [schema.anyOf, schema.oneOf]) {
    if (!Array.isArray(union)) continue;
    const branches = union.map((branch) => kindsOf(branch, root, depth + 1));
    return branches.includes(undefined) ? undefined : new Set(branches.flatMap((kinds) => [...(kinds ?? [])]));
  }
  const parts = Array.isArray(schema.allOf) ? schema.allOf : [];
  return parts.map((part) => kindsOf(part, root, depth + 1)).find((kinds) => kinds !== undefined);
}

function resolve(reference: string, root: Schema): unknown {
  let at: unknown = root;
  for (const part of reference.replace(/^#\/?/, '').split('/').filter(Boolean)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    at = isSchema(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  }
  return at;
}

function kindOf(value: unknown): Kind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  // Written with more digits than JavaScript keeps.
  if (JSON.isRawJSON(value)) return 'number';
  return KINDS[typeof value] ?? 'string';
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a text, as far as it has come, can still become the word for nothing, and that is allowed. */
export function mayBeNull(kinds: ArgumentKinds | undefined, text: string): boolean {
  const start = text.trim();
  return kinds?.has('null') === true && ['null', 'None'].some((word) => word.startsWith(start));
}

/**
 * The JSON of a value that a model wrote without saying what kind it is: of a kind that the schema allows, if it can be read as one in
 * the spelling of JSON or Python. What looks like a number stays text where the schema allows text and no number.
 */
export function argumentJson(text: string, kinds: ArgumentKinds | undefined): string {
  const asText = JSON.stringify(text);
  const json = compactJson(text) ?? pythonJson(text);
  if (kinds === undefined) return json ?? asText;
  if (json !== undefined && kinds.has(jsonKind(json)) && jsonKind(json) !== 'string') return json;
  if (kinds.has('string')) return asText;
  // Some models put quotation marks around numbers and objects as well.
  const inner = json?.startsWith('"') === true ? (JSON.parse(json) as string) : undefined;
  const unquoted = inner === undefined ? undefined : (compactJson(inner) ?? pythonJson(inner));
  if (unquoted !== undefined && kinds.has(jsonKind(unquoted))) return unquoted;
  return json ?? asText;
}

function jsonKind(json: string): Kind {
  switch (json[0]) {
    case '"':
      return 'string';
    case '{':
      return 'object';
    case '[':
      return 'array';
    case 't':
    case 'f':
      return 'boolean';
    case 'n':
      return 'null';
    default:
      return 'number';
  }
}
