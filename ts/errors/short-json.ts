/** The longest text that a message repeats. */
const MAX_LENGTH = 120;

/** A value from outside as a message shows it: its JSON where that is short, else the beginning of a text, or what it is. */
export function shortJson(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > MAX_LENGTH ? `${JSON.stringify(value.slice(0, MAX_LENGTH))}…` : JSON.stringify(value);
  }
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0 ? '{}' : 'an object';
  return String(value);
}
