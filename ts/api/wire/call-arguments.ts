import { jsonrepair } from 'jsonrepair';

/** A number, written as it was read. */
declare global {
  interface JSON {
    rawJSON(text: string): unknown;
  }
}

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
    const value: unknown = JSON.parse(json, exactly);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value;
}

function repaired(json: string): string {
  try {
    return jsonrepair(json);
  } catch {
    return '{}';
  }
}
