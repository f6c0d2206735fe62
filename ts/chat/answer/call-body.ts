import type { CallSink } from './call-sink.ts';
import { readCallObject, readNamedArguments } from './json-calls.ts';
import { readFunctionMarkup, readGemmaCall, readKeyValueMarkup } from './markup-calls.ts';
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
  const first = yield* source.peek();
  if (first === '{') yield* readCallObject(source, sink);
  else if (first === '[') yield* readList(source, sink);
  else if (first === '<') {
    yield* source.expect('<function=');
    yield* readFunctionMarkup(source, sink);
  } else yield* readNamed(source, sink);
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
    yield* source.skipSpace();
    const after = yield* source.next();
    if (after === ']') return;
    if (after !== ',') throw notACall('a comma is missing');
  }
}

function* readNamed(source: TextSource, sink: CallSink): Reading<void> {
  const name = yield* readName(source);
  if (name === 'call' && (yield* source.accept(':'))) return yield* readGemmaCall(source, sink);
  // Mistral's markers, in either order and number.
  while (yield* source.accept('[')) {
    const marker = yield* readWord(source, /\w/);
    yield* source.expect(']');
    if (marker === 'CALL_ID') yield* readWord(source, /[\w-]/);
    else if (marker !== 'ARGS') throw notACall(`there is no marker ${marker}`);
  }
  if (yield* source.accept(SEPARATOR)) return yield* readSeparated(source, sink, name);
  yield* source.skipSpace();
  const next = yield* source.peek();
  if (next === '<') return yield* readKeyValueMarkup(source, sink, name);
  // `brave_search.call(query=…)` is how Llama 3.1 calls its own tools.
  if (next === '(') yield* readPythonArguments(source, sink, name.replace(/\.call$/, ''));
  else yield* readNamedArguments(source, sink, name);
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
