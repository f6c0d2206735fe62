import { jsonrepair } from 'jsonrepair';
import { JsonText } from '../../inference/index.ts';

/** Whether the arguments of a call are a JSON object, and not cut off or malformed. */
export function isArguments(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/**
 * The arguments of a call for dialects that send them as an object: as the model wrote them, for `exactJson`. Of arguments that are cut off or
 * malformed this is what can be read, at worst an empty object.
 */
export function argumentsObject(json: string): JsonText {
  if (isArguments(json)) return new JsonText(json);
  const readable = repaired(json);
  return new JsonText(isArguments(readable) ? readable : '{}');
}

function repaired(json: string): string {
  try {
    return jsonrepair(json);
  } catch {
    return '{}';
  }
}
