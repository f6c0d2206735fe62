import type { CallSink } from './call-sink.ts';
import { compactJson, readItems, readJson, readString } from './read-json.ts';
import { notACall, type Reading, type TextSource } from './text-source.ts';

const NAME_KEYS = new Set(['name', 'tool_name']);
const ARGUMENT_KEYS = new Set(['arguments', 'parameters']);
/** What else a call may begin with; any other key makes an unannounced object an answer at once. */
const CALL_KEYS = new Set([...NAME_KEYS, ...ARGUMENT_KEYS, 'function', 'type', 'id', 'tool_call_id']);

interface CallState {
  name?: string;
  /** Arguments that came before the name. */
  waiting?: string;
  begun: boolean;
}

/**
 * `{"name": …, "arguments": {…}}`, also with `parameters`, with the arguments as JSON text, within `{"function": {…}}`, or printed by
 * Python. The arguments are handed on as they come once the name is known.
 */
export function* readCallObject(source: TextSource, sink: CallSink): Reading<void> {
  const state: CallState = { begun: false };
  yield* readCallFields(source, sink, state, 0);
  if (state.name === undefined) throw notACall('it has no name');
  if (!state.begun) {
    sink.begin(state.name);
    sink.arguments(state.waiting ?? '{}');
  }
  sink.end();
}

function* readCallFields(source: TextSource, sink: CallSink, state: CallState, depth: number): Reading<void> {
  yield* readItems(source, '{', '}', ignore, function* () {
    const key = yield* readText(source);
    yield* source.skipSpace();
    yield* source.expect(':');
    yield* source.skipSpace();
    const first = yield* source.peek();
    if (first === '{' && depth === 0 && state.name === undefined && !CALL_KEYS.has(key) && sink.isTool(key)) {
      // Apertus: the name is the key of the arguments.
      state.name = key;
      yield* readArguments(source, sink, state);
    } else if (key === 'function' && first === '{' && depth === 0) yield* readCallFields(source, sink, state, 1);
    else if ((NAME_KEYS.has(key) || key === 'function') && isQuote(first)) {
      const name = yield* readText(source);
      if (!state.begun) state.name = name;
    } else if (ARGUMENT_KEYS.has(key)) yield* readArguments(source, sink, state);
    else if (sink.isStrict && !CALL_KEYS.has(key) && state.name === undefined)
      throw notACall(`${key} is no key of calls`);
    else yield* readJson(source, ignore, true);
  });
}

function* readArguments(source: TextSource, sink: CallSink, state: CallState): Reading<void> {
  const first = yield* source.peek();
  if (state.begun || state.waiting !== undefined) throw notACall('it has arguments twice');
  if (first === '{') {
    if (state.name === undefined) {
      let waiting = '';
      yield* readJson(
        source,
        (json) => {
          waiting += json;
        },
        true,
      );
      state.waiting = waiting;
      return;
    }
    state.begun = true;
    sink.begin(state.name);
    yield* readJson(source, (json) => sink.arguments(json), true);
  } else if (isQuote(first)) state.waiting = objectText(yield* readText(source));
  else {
    if (!(yield* source.accept('None'))) yield* source.expect('null');
    state.waiting = '{}';
  }
}

/** Some models write the arguments as JSON text within the JSON. */
function objectText(text: string): string {
  const json = text.trim() === '' ? '{}' : compactJson(text);
  if (json === undefined || !json.startsWith('{')) throw notACall('its arguments are no object');
  return json;
}

/** Behind a name: the arguments alone. */
export function* readNamedArguments(source: TextSource, sink: CallSink, name: string): Reading<void> {
  if ((yield* source.peek()) !== '{') throw notACall('its arguments are no object');
  sink.begin(name);
  yield* readJson(source, (json) => sink.arguments(json), true);
}

function* readText(source: TextSource): Reading<string> {
  let json = '';
  yield* readString(
    source,
    (text) => {
      json += text;
    },
    true,
  );
  return JSON.parse(json) as string;
}

function isQuote(character: string): boolean {
  return character === '"' || character === "'";
}

function ignore(): void {}
