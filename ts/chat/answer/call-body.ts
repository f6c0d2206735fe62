import type { CallSink } from './call-sink.ts';
import { readCallObject, readNamedArguments } from './json-calls.ts';
import { readFunctionMarkup, readGemmaCall, readInvokeMarkup, readKeyValueMarkup } from './markup-calls.ts';
import { partialTag } from './piece.ts';
import { readPythonArguments } from './python-calls.ts';
import { readWord } from './read-json.ts';
import { notACall, type Reading, type TextSource } from './text-source.ts';

/** Between a name and its arguments, in DeepSeek's spelling. */
const SEPARATOR = '<｜tool▁sep｜>';

/**
 * Reads one call or a list of them, in whichever spelling they begin: JSON (`{"name":…,"arguments":…}`), a name and JSON
 * (`get_weather[ARGS]{…}`), `<function=name>…`, GLM's keys and values, Gemma's `call:name{…}`, Python's `name(key=value)`. Throws what `notACall` makes.
 */
export function* readBody(source: TextSource, sink: CallSink): Reading<void> {
  yield* source.skipSpace();
  const isFenced = yield* source.accept('```');
  if (isFenced) yield* readWord(source, /\w/);
  yield* source.skipSpace();
  const first = yield* source.peek();
  if (first === '{') yield* readCallObject(source, sink);
  else if (first === '[') yield* readList(source, sink);
  else if (first === '<') {
    if (yield* source.accept('<function=')) yield* readFunctionMarkup(source, sink);
    else yield* readInvokeMarkup(source, sink);
  } else yield* readNamed(source, sink);
  if (!isFenced) return;
  yield* source.skipSpace();
  yield* source.accept('```');
}

/** A brace too many is a slip, and no text. */
export function* skipStrayBraces(source: TextSource): Reading<void> {
  while (yield* source.accept('}'));
}

/**
 * The rest of a call that cannot be read further, because it is malformed or cut off: up to its closing tag or the end, as the model wrote
 * it. So nothing of it is lost, nothing leaks into the content, and a client that follows the stream sees what any other sees.
 */
export function* readUnreadable(source: TextSource, sink: CallSink, closings: readonly string[]): Reading<void> {
  const ends = (text: string): number =>
    Math.min(...closings.map((tag) => text.indexOf(tag)).filter((at) => at >= 0), Number.POSITIVE_INFINITY);
  while (ends(source.rest) === Number.POSITIVE_INFINITY) if (!(yield* source.grow())) break;
  const rest = source.rest.slice(0, Math.min(ends(source.rest), source.rest.length));
  source.skip(rest.length);
  const halfTag = Math.max(0, ...closings.map((tag) => partialTag(rest, tag)));
  // The last brace closes the object that the arguments lie in.
  const inner = rest.slice(0, rest.length - halfTag).trimEnd();
  sink.arguments(inner.endsWith('}}') || inner === '}' ? inner.slice(0, -1) : inner);
  sink.end();
}

function* readList(source: TextSource, sink: CallSink): Reading<void> {
  yield* source.expect('[');
  for (;;) {
    yield* source.skipSpace();
    if ((yield* source.peek()) === '{') yield* readCallObject(source, sink);
    else {
      yield* readPythonArguments(source, sink, yield* readName(source));
      sink.end();
    }
    yield* skipStrayBraces(source);
    yield* source.skipSpace();
    const after = yield* source.next();
    if (after === ']') return;
    if (after !== ',') throw notACall('a comma is missing');
  }
}

function* readNamed(source: TextSource, sink: CallSink): Reading<void> {
  const name = yield* readName(source);
  if (name === 'call' && (yield* source.accept(':'))) return yield* readGemmaCall(source, sink);
  if (yield* source.accept(':')) return yield* readNumbered(source, sink, name);
  // Mistral's markers, in either order and number.
  while (yield* source.accept('[')) {
    const marker = yield* readWord(source, /\w/);
    yield* source.expect(']');
    if (marker === 'CALL_ID') yield* readWord(source, /[\w-]/);
    else if (marker !== 'ARGS') throw notACall(`there is no marker ${marker}`);
  }
  if (yield* source.accept(SEPARATOR)) return yield* readSeparated(source, sink, name);
  yield* source.skipSpace();
  // Hunyuan's word between a name and its arguments.
  if (yield* source.accept('<tool_sep>')) yield* source.skipSpace();
  const next = yield* source.peek();
  if (next === '<') return yield* readKeyValueMarkup(source, sink, name);
  // `brave_search.call(query=…)` is how Llama 3.1 calls its own tools.
  if (next === '(') yield* readPythonArguments(source, sink, name.replace(/\.call$/, ''));
  else yield* readNamedArguments(source, sink, name);
  sink.end();
}

/** Kimi: `functions.name:0`, a marker, and the arguments. */
function* readNumbered(source: TextSource, sink: CallSink, name: string): Reading<void> {
  yield* readWord(source, /\d/);
  yield* source.skipSpace();
  yield* source.expect('<|tool_call_argument_begin|>');
  yield* source.skipSpace();
  yield* readNamedArguments(source, sink, name.replace(/^functions\./, ''));
  sink.end();
}

/** DeepSeek: the type, the name and fenced JSON, or since V3.1 the name and JSON. */
function* readSeparated(source: TextSource, sink: CallSink, before: string): Reading<void> {
  yield* source.skipSpace();
  const isFenced = (yield* source.peek()) !== '{';
  const name = isFenced ? yield* readName(source) : before;
  if (isFenced) {
    yield* source.skipSpace();
    yield* source.expect('```json');
    yield* source.skipSpace();
  }
  yield* readNamedArguments(source, sink, name);
  if (isFenced) {
    yield* source.skipSpace();
    yield* source.expect('```');
  }
  sink.end();
}

function* readName(source: TextSource): Reading<string> {
  const name = yield* readWord(source, /[\w.-]/);
  if (name === '') throw notACall('it has no name');
  return name;
}
