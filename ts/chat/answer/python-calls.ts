import type { CallSink } from './call-sink.ts';
import { PYTHON_WORDS, readPythonString } from './python-text.ts';
import { readItems, readWord } from './read-json.ts';
import { notACall, type Reading, readWhole, type TextSource } from './text-source.ts';

type Emit = (json: string) => void;

/**
 * Behind a name: `(key="value", other=3)`, as Python writes calls. Each argument goes on as it comes. One without a key has that of its
 * place in the tool's parameters.
 */
export function* readPythonArguments(source: TextSource, sink: CallSink, name: string): Reading<void> {
  if ((yield* source.peek()) !== '(') throw notACall('it has no arguments');
  let begun = false;
  let place = 0;
  const keys = parametersOf(sink, name);
  const seen = new Set<string>();
  // Code looks the same up to its first argument, so nothing is told before that.
  const begin = (): void => {
    if (!begun) sink.begin(name);
    if (!begun) sink.arguments('{');
    begun = true;
  };
  const emit: Emit = (json) => {
    if (json === '(') return;
    begin();
    sink.arguments(json === ')' ? '}' : json);
  };
  yield* readItems(source, '(', ')', emit, function* () {
    const first = yield* readWord(source, /[-+.\w]/);
    yield* source.skipSpace();
    const isNamed = first !== '' && (yield* source.accept('='));
    const key = isNamed ? first : keys[place++];
    if (key === undefined || seen.has(key)) throw notACall('an argument has no name');
    seen.add(key);
    const alone = isNamed || first === '' ? undefined : wordJson(first);
    begin();
    sink.arguments(`${JSON.stringify(key)}:`);
    if (alone === undefined) yield* readPythonValue(source, (json) => sink.arguments(json), 0);
    else sink.arguments(alone);
  });
}

/** The parameters of a tool in the order of its schema. */
function parametersOf(sink: CallSink, name: string): string[] {
  const properties = sink.tools.find((tool) => tool.name === name)?.parameters?.properties;
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

function* readPythonValue(source: TextSource, emit: Emit, depth: number): Reading<void> {
  if (depth > 100) throw notACall('it nests too deeply');
  yield* source.skipSpace();
  const first = yield* source.peek();
  if (first === '"' || first === "'") return yield* readPythonString(source, emit, first);
  if (first === '[' || first === '(') {
    const plain: Emit = (json) => emit(json === '(' ? '[' : json === ')' ? ']' : json);
    return yield* readItems(source, first, first === '[' ? ']' : ')', plain, () =>
      readPythonValue(source, emit, depth + 1),
    );
  }
  if (first === '{') {
    return yield* readItems(source, '{', '}', emit, function* () {
      const quote = yield* source.peek();
      if (quote !== '"' && quote !== "'") throw notACall('a key is no text');
      yield* readPythonString(source, emit, quote);
      yield* source.skipSpace();
      yield* source.expect(':');
      emit(':');
      yield* readPythonValue(source, emit, depth + 1);
    });
  }
  const word = yield* readWord(source, /[-+.\w]/);
  emit(wordJson(word));
}

/** True, False, None and numbers; the words of JSON count as well. */
function wordJson(word: string): string {
  const known = PYTHON_WORDS.get(word) ?? (JSON_WORDS.has(word) ? word : numberJson(word));
  if (known === undefined) throw notACall('a value is wrong');
  return known;
}

const JSON_WORDS: ReadonlySet<string> = new Set(PYTHON_WORDS.values());

/** A number of Python as JSON writes it, digit for digit. */
function numberJson(word: string): string | undefined {
  const parts = /^([-+]?)(\d[\d_]*)?(?:(\.)(\d[\d_]*)?)?([eE][-+]?\d+)?$/.exec(word);
  const [, sign, whole, point, fraction, exponent = ''] = parts ?? [];
  if (parts === null || (whole === undefined && fraction === undefined)) return undefined;
  const digits = (whole ?? '0').replaceAll('_', '').replace(/^0+(?=\d)/, '');
  const rest = point === undefined ? '' : `.${(fraction ?? '0').replaceAll('_', '')}`;
  return `${sign === '-' ? '-' : ''}${digits}${rest}${exponent}`;
}

/** A Python literal that stands alone, as JSON; undefined where it is none. */
export function pythonJson(text: string): string | undefined {
  let json = '';
  const isWhole = readWhole(text, (source) =>
    readPythonValue(
      source,
      (part) => {
        json += part;
      },
      0,
    ),
  );
  return isWhole ? json : undefined;
}
