import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import type { GrammarSource } from '../../inference/index.ts';
import { list, NestedJson, optional, schemaFormat } from '../wire/index.ts';

/** Extensions under the names that llama.cpp (`grammar`, `json_schema`) and vLLM (`guided_*`) gave them. */
export const grammarFields = {
  grammar: optional(z.string()),
  json_schema: z.unknown().optional(),
  guided_json: z.unknown().optional(),
  guided_regex: optional(z.string()),
  guided_choice: optional(list(z.string()).min(1)),
  guided_grammar: optional(z.string()),
};

const fieldsSchema = z.object(grammarFields);
type GrammarBody = z.output<typeof fieldsSchema>;

/** What the answer must be written in, from `response_format` or an extension; both at once are refused. */
export function readGrammar(body: GrammarBody, format: GrammarSource | undefined): GrammarSource | undefined {
  const asked = (Object.keys(grammarFields) as (keyof GrammarBody)[]).filter((key) => (body[key] ?? '') !== '');
  const [param, other] = asked;
  if (param === undefined) return format;
  if (other !== undefined || format !== undefined) {
    throw new OmgError('invalid_request', `${param}: ${other ?? 'response_format'} says already what to write in`, {
      detail: { param },
    });
  }
  switch (param) {
    case 'grammar':
      return notation(body.grammar ?? '');
    case 'guided_grammar':
      return notation(body.guided_grammar ?? '');
    case 'guided_regex':
      return { kind: 'regex', pattern: body.guided_regex ?? '' };
    case 'guided_choice':
      return { kind: 'regex', pattern: (body.guided_choice ?? []).map(escaped).join('|') };
    case 'json_schema':
    case 'guided_json':
      return schemaFormat(parsed(body[param], param), false, param);
  }
}

/** GBNF and Lark are told apart by how they define a rule. */
function notation(source: string): GrammarSource {
  return source.includes('::=') ? { kind: 'gbnf', source } : { kind: 'lark', source };
}

/** vLLM takes a schema as JSON text, too. */
function parsed(schema: unknown, param: string): unknown {
  if (typeof schema !== 'string') return schema;
  return new NestedJson().parse(schema, param, 'must be a JSON schema');
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
