import { type GrammarRule, keysAsWritten, type ToolDefinition } from '../inference/index.ts';
import { type ArgumentKinds, argumentKinds } from './answer/argument-kinds.ts';

/** How the arguments of a call are put down one by one. */
export interface ArgumentSpelling {
  /** Around the value of an argument, as Lark. A value that is text ends with `close` and holds anything but that. */
  open: (key: string, isText: boolean) => string;
  close: string;
  /** Between two arguments, as Lark; empty: nothing. */
  between: string;
  /** Text stands between the tags as it is; otherwise it is quoted by this. */
  quote: string;
  /** The words for true, false and nothing. */
  words: { true: string; false: string; null: string };
}

const MARKUP = { between: '', quote: '', words: { true: 'true', false: 'false', null: 'null' } };

/** `<parameter=key>` of Qwen3-Coder, with a line break inside the tags. */
export const FUNCTION_MARKUP: ArgumentSpelling = {
  ...MARKUP,
  open: (key) => literal(`<parameter=${key}>\n`),
  close: '\n</parameter>\n',
};

/** `<arg_key>` and `<arg_value>` of GLM. */
export const KEY_VALUE_MARKUP: ArgumentSpelling = {
  ...MARKUP,
  open: (key) => literal(`<arg_key>${key}</arg_key>\n<arg_value>`),
  close: '</arg_value>\n',
};

/** The same since GLM 4.7, without line breaks. */
export const TIGHT_KEY_VALUE_MARKUP: ArgumentSpelling = {
  ...MARKUP,
  open: (key) => literal(`<arg_key>${key}</arg_key><arg_value>`),
  close: '</arg_value>',
};

/** `<parameter name="key">` of MiniMax; DeepSeek's says in an attribute what is text. */
export function invokeMarkup(prefix: string, saysText: boolean): ArgumentSpelling {
  const attribute = (isText: boolean): string => (saysText ? ` string="${isText}"` : '');
  return {
    ...MARKUP,
    open: (key, isText) => literal(`<${prefix}parameter name="${key}"${attribute(isText)}>`),
    close: `</${prefix}parameter>\n`,
  };
}

/** `key="text"` of models that call in Python. */
export const PYTHON: ArgumentSpelling = {
  open: (key) => literal(`${key}=`),
  close: '',
  between: '", "',
  quote: '"',
  words: { true: 'True', false: 'False', null: 'None' },
};

/** `key:<|"|>text<|"|>` of Gemma. */
export function gemma(quote: string): ArgumentSpelling {
  return {
    open: (key) => literal(`${key}:`),
    close: '',
    between: '","',
    quote,
    words: { true: 'true', false: 'false', null: 'null' },
  };
}

/**
 * The arguments of one tool as Lark, in the order of its schema: those that are required, and any of the others.
 * @param id makes the names of the rules unique; the rule of all arguments is `arguments_<id>`.
 */
export function argumentsGrammar(
  { parameters }: ToolDefinition,
  spelling: ArgumentSpelling,
  id: string,
): { lines: string[]; rules: Record<string, GrammarRule> } {
  const schema = parameters ?? {};
  const properties = (schema.properties ?? {}) as Record<string, unknown>;
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const keys = keysAsWritten(properties);
  const lines: string[] = [];
  const rules: Record<string, GrammarRule> = {};
  for (const [at, key] of keys.entries()) {
    const kinds = argumentKinds(schema, key);
    const value = valueRule({ schema, property: properties[key], kinds, spelling, name: `value_${id}_${at}` });
    lines.push(`field_${id}_${at}: ${spelling.open(key, value.isText)} ${value.body}`, ...value.lines);
    Object.assign(rules, value.rules);
  }
  // `first` may begin the list, `rest` goes on behind something: only there it needs what stands between.
  const go = (what: string, at: number): string => (at < keys.length ? `${what}_${id}_${at}` : '');
  for (const [at, key] of keys.entries()) {
    const field = `field_${id}_${at} ${go('rest', at + 1)}`;
    const isRequired = required.has(key);
    lines.push(
      `first_${id}_${at}: ${field}${isRequired ? '' : ` | ${go('first', at + 1) || '""'}`}`,
      `rest_${id}_${at}: ${spelling.between} ${field}${isRequired ? '' : ` | ${go('rest', at + 1) || '""'}`}`,
    );
  }
  return { lines: [`arguments_${id}: ${go('first', 0) || '""'}`, ...lines], rules };
}

interface ValueInput {
  schema: Record<string, unknown>;
  property: unknown;
  kinds: ArgumentKinds | undefined;
  spelling: ArgumentSpelling;
  name: string;
}

interface ValueRule {
  body: string;
  isText: boolean;
  lines: string[];
  rules: Record<string, GrammarRule>;
}

/** A value and what closes it. Text is bound by the list of its values or its greatest length: a pattern would have to know what closes it. */
function valueRule({ schema, property, kinds, spelling, name }: ValueInput): ValueRule {
  const { close, quote, words } = spelling;
  const end = close === '' ? '' : literal(close);
  const allowed = textValues(property);
  if (kinds?.has('string') === true) {
    const opening = quote === '' ? '' : literal(quote);
    const closing = literal(quote === '' ? close : quote);
    const tail = quote === '' ? '' : end;
    if (quote === '"') return jsonValue(textSchema(property, allowed), name, end);
    if (allowed !== undefined) {
      const texts = allowed.map((text) => literal(text)).join(' | ');
      return { body: `${opening} (${texts}) ${closing} ${tail}`, isText: true, lines: [], rules: {} };
    }
    const lines = [`${name}[suffix=${closing}]: /(?s:.${countOf(property)})/`];
    return { body: `${opening} ${name} ${tail}`, isText: true, lines, rules: {} };
  }
  const only = kinds?.size === 1 ? [...kinds][0] : undefined;
  if (only === 'boolean') {
    const body = `(${literal(words.true)} | ${literal(words.false)}) ${end}`;
    return { body, isText: false, lines: [], rules: {} };
  }
  if (only === 'null') return { body: `${literal(words.null)} ${end}`, isText: false, lines: [], rules: {} };
  const definitions = ['$defs', 'definitions'].flatMap((key) => (key in schema ? [[key, schema[key]] as const] : []));
  const own = typeof property === 'object' && property !== null ? property : {};
  return jsonValue({ ...Object.fromEntries(definitions), ...own }, name, end);
}

function jsonValue(schema: Record<string, unknown>, name: string, end: string): ValueRule {
  return { body: `${name} ${end}`, isText: false, lines: [], rules: { [name]: { schema } } };
}

/** What a schema says of text, without the other kinds it allows. */
function textSchema(property: unknown, allowed: string[] | undefined): Record<string, unknown> {
  if (allowed !== undefined) return { enum: allowed };
  const own = (property ?? {}) as Record<string, unknown>;
  const kept = ['minLength', 'maxLength', 'pattern', 'format'].filter((key) => key in own);
  return { type: 'string', ...Object.fromEntries(kept.map((key) => [key, own[key]])) };
}

/** How many characters a text may have, as a regular expression counts. */
function countOf(property: unknown): string {
  const { maxLength } = (property ?? {}) as { maxLength?: unknown };
  return typeof maxLength === 'number' && Number.isInteger(maxLength) && maxLength >= 0 && maxLength <= LONGEST_COUNT
    ? `{0,${maxLength}}`
    : '*';
}

/** Counting further would cost more than it is worth. */
const LONGEST_COUNT = 1000;

/** The texts that a schema lists, when it lists nothing else. */
function textValues(property: unknown): string[] | undefined {
  const { enum: values, const: value } = (property ?? {}) as { enum?: unknown; const?: unknown };
  const listed = Array.isArray(values) ? values : value === undefined ? [] : [value];
  const texts = listed.filter((one) => typeof one === 'string');
  return texts.length > 0 ? texts : undefined;
}

/** A string of Lark, which are those of JSON. */
export function literal(text: string): string {
  return JSON.stringify(text);
}
