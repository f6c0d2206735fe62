import { jsonrepair } from 'jsonrepair';
import { parseExact } from '../../inference/index.ts';

/** Whether the arguments of a call are a JSON object, and not cut off or malformed. */
export function isArguments(json: string): boolean {
  return asObject(json) !== undefined;
}

/**
 * The arguments of a call for dialects that send them as an object. Numbers keep the digits that JavaScript would change. Of arguments that
 * are cut off or malformed this is what can be read, at worst an empty object.
 */
export function argumentsObject(json: string): object {
  return asObject(json) ?? asObject(repaired(json)) ?? {};
}

function asObject(json: string): object | undefined {
  try {
    const value: unknown = parseExact(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function repaired(json: string): string {
  try {
    return jsonrepair(json);
  } catch {
    return '{}';
  }
}
