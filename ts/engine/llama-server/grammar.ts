import { OmgError } from '../../errors/index.ts';
import type { Grammar } from '../../inference/index.ts';

/** Fields of a completion that hold an answer to a grammar. Throws `unsupported` for what llama-server cannot enforce. */
export function grammarFields(grammar: Grammar | undefined): Record<string, unknown> {
  if (grammar === undefined) return {};
  const { span, opener } = grammar.after ?? {};
  if (opener !== undefined) throw cannot('a grammar that begins in the middle of an answer');
  if (span !== undefined) throw cannot('a grammar behind reasoning');
  switch (grammar.kind) {
    case 'json_schema':
      return { json_schema: grammar.schema };
    case 'json_object':
      return { json_schema: { type: 'object' } };
    case 'gbnf':
      return { grammar: grammar.source };
    case 'regex':
      throw cannot('regular expressions');
    case 'lark':
      throw cannot('Lark grammars, which forced tool calls are written in');
  }
}

function cannot(what: string): OmgError {
  return new OmgError('unsupported', `llama-server does not enforce ${what}.`, {
    hint: 'Send it to a model on the native engine, or leave the constraint out.',
    detail: { param: 'response_format' },
  });
}
