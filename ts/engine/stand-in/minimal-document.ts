import type { Grammar } from '../../inference/index.ts';

type Schema = Record<string, unknown>;

/** The text an echoing stand-in answers to a grammar; undefined for those that are not JSON, which need a script. */
export function minimalAnswer(grammar: Grammar): string | undefined {
  if (grammar.kind === 'json_object') return '{}';
  return grammar.kind === 'json_schema' ? JSON.stringify(minimalDocument(grammar.schema, grammar.schema)) : undefined;
}

/** A small document that follows a schema of the plain kind: types, enums, properties, items, references. */
function minimalDocument(schema: unknown, root: unknown): unknown {
  if (!isSchema(schema)) return {};
  if (typeof schema.$ref === 'string') return minimalDocument(referred(schema.$ref, root), root);
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return minimalDocument(choices[0], root);
  switch ([schema.type].flat()[0] ?? ('properties' in schema ? 'object' : 'null')) {
    case 'object':
      return minimalObject(schema, root);
    case 'array':
      return Array.from({ length: Number(schema.minItems ?? 0) }, () => minimalDocument(schema.items, root));
    case 'string':
      return 'x'.repeat(Number(schema.minLength ?? 0));
    case 'integer':
    case 'number':
      return Number(schema.minimum ?? Math.min(0, Number(schema.maximum ?? 0)));
    case 'boolean':
      return false;
    default:
      return null;
  }
}

function minimalObject(schema: Schema, root: unknown): object {
  const properties = isSchema(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.fromEntries(required.map((name: string) => [name, minimalDocument(properties[name], root)]));
}

function referred(reference: string, root: unknown): unknown {
  const steps = reference.split('/').slice(1);
  return steps.reduce<unknown>((value, step) => (isSchema(value) ? value[step] : undefined), root);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}
