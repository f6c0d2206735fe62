import type { ToolDefinition } from '../../inference/index.ts';
import { JsonSpan } from './json-span.ts';

export interface ParsedCall {
  name: string;
  /** JSON text of an object. */
  arguments: string;
}

export type BodyOutcome =
  | 'more'
  | 'malformed'
  /** `length` characters of the text belong to the calls. */
  | { calls: ParsedCall[]; length: number };

/** Longest text between a tag and the JSON after it: a function name and the markers around it. */
const LONGEST_NAME = 256;

/**
 * Reads one call, or a list of them, from a text that grows. Three spellings, told apart by how they begin: JSON (`{"name":…,
 * "arguments":…}` or a list), a name and JSON (`get_weather[ARGS]{…}`), and `<function=name><parameter=key>value</parameter></function>`.
 */
export class CallBody {
  readonly #tools: ToolDefinition[];
  #json: { span: JsonSpan; name: string | undefined } | undefined;

  constructor(tools: ToolDefinition[]) {
    this.#tools = tools;
  }

  read(text: string): BodyOutcome {
    if (this.#json === undefined) {
      const begun = this.#begin(text);
      if (begun !== undefined) return begun;
    }
    const json = this.#json;
    const end = json?.span.end(text);
    if (json === undefined || end === undefined) return 'more';
    const value = parseJson(text.slice(json.span.start, end));
    const calls = json.name === undefined ? callsOf(value) : namedCall(json.name, value);
    return calls === undefined ? 'malformed' : { calls, length: end };
  }

  /** Finds out the spelling; undefined when JSON has begun. */
  #begin(text: string): BodyOutcome | undefined {
    const start = text.length - text.trimStart().length;
    const first = text[start];
    if (first === undefined) return 'more';
    if (first === '{' || first === '[') {
      this.#json = { span: new JsonSpan(start), name: undefined };
      return undefined;
    }
    if (first === '<') return this.#readMarkup(text, start);
    const named = /^([\w.-]+)(?:\[CALL_ID\][\w-]+)?(?:\[ARGS\])?\s*(?=\{)/.exec(
      text.slice(start, start + LONGEST_NAME),
    );
    if (named !== null) {
      this.#json = { span: new JsonSpan(start + named[0].length), name: named[1] };
      return undefined;
    }
    return /^[\w.-]+(?:\[[\w\]-]*)*\s*$/.test(text.slice(start)) && text.length - start < LONGEST_NAME
      ? 'more'
      : 'malformed';
  }

  #readMarkup(text: string, start: number): BodyOutcome {
    const opening = '<function=';
    const beginning = text.slice(start, start + opening.length);
    if (beginning !== opening) return opening.startsWith(beginning) ? 'more' : 'malformed';
    const end = text.indexOf('</function>', start);
    if (end < 0) return 'more';
    const inner = text.slice(start + opening.length, end);
    const name = inner.slice(0, Math.max(0, inner.indexOf('>'))).trim();
    if (name === '') return 'malformed';
    const values: [string, unknown][] = [];
    for (const match of inner.matchAll(/<parameter=([^>\n]+)>\n?([\s\S]*?)\n?<\/parameter>/g)) {
      const key = match[1]?.trim() ?? '';
      values.push([key, this.#typed(name, key, match[2] ?? '')]);
    }
    return {
      calls: [{ name, arguments: JSON.stringify(Object.fromEntries(values)) }],
      length: end + '</function>'.length,
    };
  }

  /** The markup has no types: what the schema does not call a string is read as JSON where it is JSON. */
  #typed(tool: string, key: string, text: string): unknown {
    const schema = this.#tools.find(({ name }) => name === tool)?.parameters;
    const properties = schema?.properties as Record<string, { type?: unknown } | undefined> | undefined;
    const own = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (own?.type === 'string') return text;
    const value = parseJson(text);
    return value === undefined ? text : value;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** One call or a list of them; undefined when anything in it is not a call. */
function callsOf(value: unknown): ParsedCall[] | undefined {
  if (!Array.isArray(value)) {
    const call = callOf(value);
    return call === undefined ? undefined : [call];
  }
  const calls = value.map(callOf);
  return calls.length > 0 && calls.every((call) => call !== undefined) ? calls : undefined;
}

function callOf(value: unknown): ParsedCall | undefined {
  if (!isObject(value)) return undefined;
  if (isObject(value.function)) return callOf(value.function);
  const name = typeof value.name === 'string' ? value.name : value.function;
  if (typeof name !== 'string' || name === '') return undefined;
  const given = value.arguments ?? value.parameters;
  return namedCall(name, given ?? {})?.[0];
}

function namedCall(name: string, given: unknown): ParsedCall[] | undefined {
  // Some models write the arguments as JSON text within the JSON.
  const parsed = typeof given === 'string' ? parseJson(given === '' ? '{}' : given) : given;
  return isObject(parsed) ? [{ name, arguments: JSON.stringify(parsed) }] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
