import { OmgError } from '../../errors/index.ts';
import type { ChatRequest, ToolDefinition } from '../../inference/index.ts';

/** What a client says about calling: which tools the model sees, and whether it must call. */
export interface AskedChoice {
  mode: 'none' | 'auto' | 'required';
  /** The only tool that may be called; it implies `required`. */
  name?: string;
  /** The tools the model sees; absent: all. */
  allowed?: unknown[];
  /** Tools that were offered and are not seen here. A choice that only they could meet leaves the model free. */
  leftOut?: readonly (string | undefined)[];
}

/** `tools` and `toolChoice` of the request. Throws `invalid_request` for a choice that no tool can meet. */
export function chooseTools(
  definitions: ToolDefinition[],
  { mode, name, allowed, leftOut = [] }: AskedChoice,
): Pick<ChatRequest, 'tools' | 'toolChoice'> {
  if (name !== undefined && leftOut.includes(name)) return definitions.length === 0 ? {} : { tools: definitions };
  if (name !== undefined) {
    if (!definitions.some((tool) => tool.name === name)) throw invalidChoice(`there is no tool named "${name}"`);
    return { tools: definitions, toolChoice: { name } };
  }
  const names = allowed && new Set(allowed);
  const seen = names === undefined ? definitions : definitions.filter((tool) => names.has(tool.name));
  if (mode === 'none') return {};
  if (mode === 'required' && seen.length === 0 && leftOut.length === 0)
    throw invalidChoice('a call is required and there is no tool to call');
  if (seen.length === 0) return {};
  return { tools: seen, ...(mode === 'required' ? { toolChoice: 'required' } : {}) };
}

export function invalidChoice(message: string): OmgError {
  return new OmgError('invalid_request', `tool_choice: ${message}`, { detail: { param: 'tool_choice' } });
}
