declare global {
  interface JSON {
    rawJSON(text: string): unknown;
    isRawJSON(value: unknown): boolean;
  }
}

/** JSON that goes on as it was written: digits, the order of keys, and what stands there twice. */
export class JsonText {
  readonly text: string;

  /** @param text valid JSON. */
  constructor(text: string) {
    this.text = text;
  }
}

/** As `JSON.stringify`, with each `JsonText` as it is, and no halves of characters. */
export function exactJson(value: unknown): string {
  if (value instanceof JsonText) return value.text;
  if (Array.isArray(value)) return `[${value.map((item) => exactJson(item ?? null)).join(',')}]`;
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([key, field]) => `${exactJson(key)}:${exactJson(field)}`).join(',')}}`;
}

const STRING = /"(?:[^"\\]|\\.)*"/g;

/** JSON text in which every string, keys too, is what `change` makes of it. All else stays as it is written. */
export function mapStrings(json: string, change: (text: string) => string): string {
  return json.replace(STRING, (literal) => {
    const text = literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
    const changed = change(text).toWellFormed();
    return changed === text ? literal : JSON.stringify(changed);
  });
}

/** As `JSON.parse`, with numbers that JavaScript would change as `JSON.rawJSON`. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, exactNumber);
}

function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value;
}
