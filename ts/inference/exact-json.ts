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

  /** For `JSON.stringify`, which can only write it as it writes objects. */
  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

const TEXTS = new WeakMap<object, string>();

/** The text that an object was parsed from, for `exactJson`: it has keys in an order, or twice, that the object cannot have. */
export function keepText(value: object, text: string): void {
  TEXTS.set(value, text);
}

/** As `JSON.stringify`, with each `JsonText` and each object of `keepText` as it was written, and no halves of characters. */
export function exactJson(value: unknown): string {
  if (value instanceof JsonText) return value.text;
  if (Array.isArray(value)) return `[${value.map((item) => exactJson(item ?? null)).join(',')}]`;
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return JSON.stringify(value) ?? 'null';
  const text = TEXTS.get(value);
  if (text !== undefined) return text;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([key, field]) => `${exactJson(key)}:${exactJson(field)}`).join(',')}}`;
}

/** The keys of an object in the order in which they were written, where that is known. JavaScript puts those that are numbers first. */
export function keysAsWritten(value: object): string[] {
  const text = TEXTS.get(value);
  if (text === undefined) return Object.keys(value);
  const keys = new Set<string>();
  let depth = 0;
  for (const [token, key] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (key !== undefined && depth === 1) keys.add(JSON.parse(key) as string);
  }
  return [...keys];
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
