import { OmgError } from '../../errors/index.ts';
import type { GrammarSource } from '../../inference/index.ts';

/** A JSON schema as the format of an answer; `invalid_request` when it is none. What its keywords say is the engine's to judge. */
export function schemaFormat(schema: unknown, strict: unknown, param: string): GrammarSource {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw new OmgError('invalid_request', `${param}: must be a JSON schema`, { detail: { param } });
  }
  return { kind: 'json_schema', schema, strict: strict === true };
}

export function unknownFormat(type: string, param: string): OmgError {
  return new OmgError('invalid_request', `${param}: unknown type "${type}"`, { detail: { param } });
}
