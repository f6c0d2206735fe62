import { z } from 'zod';

/** Far over what clients send; the values of the whole body are bounded besides. */
const MAX_LENGTH = 20_000;
export const MAX_TOOLS = 4096;
export const MAX_STOPS = 1000;

export interface ListOptions<Element extends z.ZodType> {
  maxLength?: number;
  /** True for an element that passes as it is; looked at before the schema, for long lists of plain values. */
  passes?: (value: unknown) => value is z.input<Element> & z.output<Element>;
}

/**
 * An array whose first wrong element ends the validation. `z.array` collects what is wrong with every one: a million wrong elements are
 * minutes and gigabytes. Use it wherever what is checked comes from outside.
 */
export function list<Element extends z.ZodType>(element: Element, options: ListOptions<Element> = {}) {
  const { maxLength = MAX_LENGTH, passes } = options;
  return new List({ type: 'array', element, maxLength, passes }) as z.ZodArray<Element>;
}

/** An object of any names with values of one kind; as `list`, it ends at the first that is wrong. */
export function record<Value extends z.ZodType>(value: Value, { maxLength = MAX_LENGTH } = {}) {
  return new Table({ type: 'record', keyType: z.string(), valueType: value, maxLength }) as z.ZodRecord<
    z.ZodString,
    Value
  >;
}

/** Prompts of a million tokens are the longest there are. */
const MAX_TOKENS = 1_048_576;
const MAX_TOKEN_ID = 0xffff_ffff;

/** Numbers as a tokenizer gives them. */
export function tokenIds() {
  const isToken = (value: unknown): value is number =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TOKEN_ID;
  return list(z.number().int().min(0).max(MAX_TOKEN_ID), { maxLength: MAX_TOKENS, passes: isToken });
}

interface ListDef extends z.core.$ZodArrayDef {
  maxLength: number;
  passes?: (value: unknown) => boolean;
}

interface TableDef extends z.core.$ZodRecordDef {
  maxLength: number;
}

const List = z.core.$constructor<z.ZodArray, ListDef>('List', (schema, def) => {
  z.ZodArray.init(schema, def);
  schema._zod.parse = (payload, context) => {
    const input = payload.value;
    if (!Array.isArray(input)) return refuse(payload, { code: 'invalid_type', expected: 'array', input, inst: schema });
    if (input.length > def.maxLength) {
      return refuse(payload, tooBig(schema, 'array', def.maxLength, input));
    }
    const { passes } = def;
    if (passes !== undefined && input.every((value) => passes(value))) return payload;
    const output: unknown[] = [];
    payload.value = output;
    for (let index = 0; index < input.length; index++) {
      const value: unknown = input[index];
      if (!take(payload, def.element, { index, value }, context, (result) => output.push(result))) break;
    }
    return payload;
  };
});

const Table = z.core.$constructor<z.ZodRecord, TableDef>('Table', (schema, def) => {
  z.ZodRecord.init(schema, def);
  schema._zod.parse = (payload, context) => {
    const input = payload.value;
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
      return refuse(payload, { code: 'invalid_type', expected: 'record', input, inst: schema });
    }
    const names = Object.keys(input);
    if (names.length > def.maxLength) return refuse(payload, tooBig(schema, 'object', def.maxLength, input));
    // Names come from outside, and `__proto__` is one of them.
    const entries: [string, unknown][] = [];
    for (const name of names) {
      const value: unknown = (input as Record<string, unknown>)[name];
      if (!take(payload, def.valueType, { index: name, value }, context, (result) => entries.push([name, result])))
        break;
    }
    payload.value = Object.fromEntries(entries);
    return payload;
  };
});

/** False where the value is wrong, which then stands in the payload under its place. */
function take(
  payload: z.core.ParsePayload,
  schema: z.core.$ZodType,
  { index, value }: { index: PropertyKey; value: unknown },
  context: z.core.ParseContextInternal,
  keep: (result: unknown) => void,
): boolean {
  const result = schema._zod.run({ value, issues: [] }, context);
  if (result instanceof Promise) throw new z.core.$ZodAsyncError();
  if (result.issues.length > 0) {
    payload.issues.push(...z.core.util.prefixIssues(index, result.issues));
    return false;
  }
  keep(result.value);
  return true;
}

function refuse(payload: z.core.ParsePayload, issue: z.core.$ZodRawIssue): z.core.ParsePayload {
  payload.issues.push(issue);
  return payload;
}

function tooBig(inst: z.core.$ZodType, origin: 'array' | 'object', maximum: number, input: unknown) {
  return { code: 'too_big', origin, maximum, inclusive: true, input, inst } as const;
}
