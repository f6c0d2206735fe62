import { z } from 'zod';
import type { GrammarSource } from '../../inference/index.ts';
import { optional, schemaFormat, unknownFormat } from '../wire/index.ts';

const anyObject = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected an object',
);

/** The format of an answer, in the spelling of either route: the schema may be in `json_schema` or beside the type. */
export const responseFormat = z.looseObject({
  type: z.string(),
  schema: optional(anyObject),
  strict: optional(z.boolean()),
  json_schema: optional(z.looseObject({ schema: optional(anyObject), strict: optional(z.boolean()) })),
});

/** A schema that is given is followed, whatever the type is called; undefined for free text. Throws `invalid_request`. */
export function readResponseFormat(
  format: z.output<typeof responseFormat> | undefined,
  param: string,
): GrammarSource | undefined {
  const { type = 'text', json_schema: wrapped } = format ?? {};
  const schema = wrapped?.schema ?? format?.schema;
  const strict = wrapped?.strict ?? format?.strict;
  const isWrapped = wrapped !== undefined || (format?.schema === undefined && param === 'response_format');
  const at = `${param}${isWrapped && type === 'json_schema' ? '.json_schema' : ''}.schema`;
  switch (type) {
    case 'text':
      return schema === undefined ? undefined : schemaFormat(schema, strict, at);
    case 'json_object':
      return schema === undefined ? { kind: 'json_object' } : schemaFormat(schema, strict, at);
    case 'json_schema':
      return schemaFormat(schema, strict, at);
    default:
      throw unknownFormat(type, param);
  }
}
