import { type ArgumentKinds, argumentJson, argumentKinds, mayBeNull } from './argument-kinds.ts';
import type { CallSink } from './call-sink.ts';
import { escapeText } from './escape-text.ts';
import { readNamedArguments } from './json-calls.ts';
import { compactJson, readItems, readWord } from './read-json.ts';
import { notACall, type Reading, type TextSource } from './text-source.ts';

/** `<function=name><parameter=key>value</parameter>…</function>`, behind the opening `<function=`. A line break around a value belongs to the tags. */
export function* readFunctionMarkup(source: TextSource, sink: CallSink): Reading<void> {
  const name = (yield* readUpTo(source, '>')).trim();
  yield* source.skipSpace();
  if ((yield* source.peek()) === '{') {
    // Functionary and Llama 3.1 put JSON between the same tags.
    yield* readNamedArguments(source, sink, name);
    sink.end();
    yield* source.skipSpace();
    yield* source.accept('</function>');
    return;
  }
  const fields = new Fields(sink, name);
  for (;;) {
    yield* source.skipSpace();
    if (yield* source.accept('</function>')) break;
    yield* source.expect('<parameter=');
    const key = (yield* readUpTo(source, '>')).trim();
    yield* source.accept('\n');
    yield* fields.read(source, key, '</parameter>');
  }
  fields.end();
}

/** Attributes of a tag, behind its name: `name="city" string="true">`. */
function* readAttributes(source: TextSource): Reading<Record<string, string>> {
  const attributes: Record<string, string> = {};
  for (const [, key = '', value = ''] of (yield* readUpTo(source, '>')).matchAll(/([\w-]+)\s*=\s*"([^"]*)"/g))
    attributes[key] = value;
  return attributes;
}

/**
 * MiniMax, DeepSeek and others: `<invoke name="…"><parameter name="…">value</parameter>…</invoke>`, each tag with a prefix of the family. An
 * attribute may say whether a value is text.
 */
export function* readInvokeMarkup(source: TextSource, sink: CallSink): Reading<void> {
  yield* source.expect('<');
  const prefix = yield* readPrefix(source);
  const { name = '' } = yield* readAttributes(source);
  const fields = new Fields(sink, name);
  const [open, close] = [`<${prefix}parameter`, `</${prefix}parameter>`];
  for (;;) {
    yield* source.skipSpace();
    if (yield* source.accept(`</${prefix}invoke>`)) break;
    yield* source.expect(open);
    const { name: key = '', string } = yield* readAttributes(source);
    if (prefix === '') yield* source.accept('\n');
    yield* fields.read(source, key, close, string === undefined ? undefined : string === 'true');
  }
  fields.end();
}

/** What stands between `<` and the word `invoke`. */
function* readPrefix(source: TextSource): Reading<string> {
  let text = '';
  while (!text.endsWith('invoke')) {
    text += yield* source.next();
    if (text.length > 40 || text.includes('>')) throw notACall('invoke is missing');
  }
  return text.slice(0, -'invoke'.length);
}

/** GLM: behind the name, `<arg_key>key</arg_key><arg_value>value</arg_value>` up to `</tool_call>`. */
export function* readKeyValueMarkup(source: TextSource, sink: CallSink, name: string): Reading<void> {
  let fields: Fields | undefined;
  for (;;) {
    yield* source.skipSpace();
    if (yield* source.accept('</tool_call>')) break;
    yield* source.expect('<arg_key>');
    fields ??= new Fields(sink, name);
    const key = (yield* readUpTo(source, '</arg_key>')).trim();
    yield* source.skipSpace();
    yield* source.expect('<arg_value>');
    yield* fields.read(source, key, '</arg_value>');
  }
  // A word alone between the tags is a call only where it can be one.
  if (fields === undefined && !sink.isTool(name)) throw notACall(`${name} is no tool`);
  (fields ?? new Fields(sink, name)).end();
}

/** Gemma: behind `call:`, `name{key:<escape>text<escape>,other:3}`; newer ones write `<|"|>` around strings. */
export function* readGemmaCall(source: TextSource, sink: CallSink): Reading<void> {
  const name = yield* readWord(source, /[\w.-]/);
  yield* source.skipSpace();
  if ((yield* source.peek()) !== '{') throw notACall('it has no arguments');
  sink.begin(name);
  yield* readGemmaObject(source, (json) => sink.arguments(json), 0);
  sink.end();
}

const GEMMA_QUOTES = ['<escape>', '<|"|>', '"'];

function* readGemmaObject(source: TextSource, emit: (json: string) => void, depth: number): Reading<void> {
  yield* readItems(source, '{', '}', emit, function* () {
    let key = '';
    const quote = yield* readQuote(source);
    if (quote === undefined) key = yield* readWord(source, /[^:{}[\],\s]/);
    else key = yield* readUpTo(source, quote);
    yield* source.skipSpace();
    yield* source.expect(':');
    emit(`${JSON.stringify(key)}:`);
    yield* readGemmaValue(source, emit, depth + 1);
  });
}

function* readGemmaValue(source: TextSource, emit: (json: string) => void, depth: number): Reading<void> {
  if (depth > 100) throw notACall('it nests too deeply');
  yield* source.skipSpace();
  const first = yield* source.peek();
  if (first === '{') return yield* readGemmaObject(source, emit, depth);
  if (first === '[') {
    return yield* readItems(source, '[', ']', emit, () => readGemmaValue(source, emit, depth + 1));
  }
  const quote = yield* readQuote(source);
  if (quote !== undefined) {
    emit('"');
    yield* source.until(quote, (text) => emit(escapeText(text)));
    emit('"');
    return;
  }
  const word = (yield* readWord(source, /[^{}[\],<]/, 4096)).trim();
  if (word === '') throw notACall('a value is missing');
  emit(compactJson(word) ?? JSON.stringify(word));
}

function* readQuote(source: TextSource): Reading<string | undefined> {
  for (const quote of GEMMA_QUOTES) if (yield* source.accept(quote)) return quote;
  return undefined;
}

/** The arguments of a call in markup, which has no types: the schema of the tool has them. */
class Fields {
  readonly #sink: CallSink;
  readonly #name: string;
  #count = 0;

  constructor(sink: CallSink, name: string) {
    this.#sink = sink;
    this.#name = name;
    sink.begin(name);
    sink.arguments('{');
  }

  /**
   * A value up to its closing tag. Strings go on as they come, anything else when it is whole.
   * @param isText what the markup says of it; absent: the schema does.
   */
  *read(source: TextSource, key: string, close: string, isText?: boolean): Reading<void> {
    if (key === '') throw notACall('an argument has no name');
    this.#sink.arguments(`${this.#count++ > 0 ? ',' : ''}${JSON.stringify(key)}:`);
    const value = new FieldValue(this.#sink, this.#kindsOf(key, isText));
    try {
      yield* source.until(close, (text) => value.push(text));
    } catch (error) {
      value.abandon();
      throw error;
    }
    value.end();
  }

  end(): void {
    this.#sink.arguments('}');
    this.#sink.end();
  }

  #kindsOf(key: string, isText: boolean | undefined): ArgumentKinds | undefined {
    if (isText !== undefined) return isText ? TEXT : undefined;
    return argumentKinds(this.#sink.tools.find(({ name }) => name === this.#name)?.parameters, key);
  }
}

const TEXT: ArgumentKinds = new Set(['string']);

/** One value in markup. Its last line break may be the tag's, and is not told before something follows it. */
class FieldValue {
  readonly #sink: CallSink;
  readonly #kinds: ArgumentKinds | undefined;
  /** What was not told yet. */
  #held = '';
  #isText = false;

  constructor(sink: CallSink, kinds: ArgumentKinds | undefined) {
    this.#sink = sink;
    this.#kinds = kinds;
  }

  push(text: string): void {
    this.#held += text;
    if (this.#isText || (isTextOnly(this.#kinds) && !mayBeNull(this.#kinds, this.#held))) this.#tell();
  }

  end(): void {
    if (this.#held.endsWith('\n')) this.#held = this.#held.slice(0, -1);
    if (!this.#isText) {
      this.#sink.arguments(argumentJson(this.#held, this.#kinds));
      return;
    }
    this.#sink.arguments(`${escapeText(this.#held)}"`);
  }

  /** The closing tag never came. What was not told as text is read again, as it was written. */
  abandon(): void {
    if (this.#isText) this.#sink.arguments(escapeText(this.#held));
  }

  #tell(): void {
    const length = this.#held.length - (this.#held.endsWith('\n') ? 1 : 0);
    const text = `${this.#isText ? '' : '"'}${escapeText(this.#held.slice(0, length))}`;
    this.#isText = true;
    this.#held = this.#held.slice(length);
    if (text !== '') this.#sink.arguments(text);
  }
}

function isTextOnly(kinds: ArgumentKinds | undefined): boolean {
  return kinds !== undefined && [...kinds].every((kind) => kind === 'string' || kind === 'null') && kinds.has('string');
}

function* readUpTo(source: TextSource, end: string): Reading<string> {
  let text = '';
  yield* source.until(end, (part) => {
    text += part;
    if (text.length > 4096) throw notACall(`${end} is missing`);
  });
  return text;
}
