import type { CallSink } from './call-sink.ts';
import { escapeText, readItems, readWord } from './read-json.ts';
import { notACall, type Reading, readWhole, type TextSource } from './text-source.ts';

type Emit = (json: string) => void;

const WORDS: Record<string, string> = {
  True: 'true',
  False: 'false',
  None: 'null',
  true: 'true',
  false: 'false',
  null: 'null',
};
const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '0': '\0', '\n': '' };

/** Behind a name: `(key="value", other=3)`, as Python writes calls. Each argument goes on as it comes. */
export function* readPythonArguments(source: TextSource, sink: CallSink, name: string): Reading<void> {
  if ((yield* source.peek()) !== '(') throw notACall('it has no arguments');
  let begun = false;
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
    const key = yield* readWord(source, /\w/);
    yield* source.skipSpace();
    yield* source.expect('=');
    if (key === '') throw notACall('an argument has no name');
    begin();
    sink.arguments(`${JSON.stringify(key)}:`);
    yield* readPythonValue(source, (json) => sink.arguments(json), 0);
  });
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
  const known = Object.hasOwn(WORDS, word) ? WORDS[word] : numberJson(word);
  if (known === undefined) throw notACall('a value is wrong');
  emit(known);
}

function* readPythonString(source: TextSource, emit: Emit, quote: string): Reading<void> {
  yield* source.expect(quote);
  emit('"');
  for (;;) {
    const character = yield* source.next();
    if (character === quote) break;
    emit(character === '\\' ? escapeText(yield* readPythonEscape(source)) : escapeText(character));
  }
  emit('"');
}

function* readPythonEscape(source: TextSource): Reading<string> {
  const kind = yield* source.next();
  const length = { x: 2, u: 4, U: 8 }[kind];
  if (length === undefined) return ESCAPES[kind] ?? ('\\\'"'.includes(kind) ? kind : `\\${kind}`);
  let digits = '';
  while (digits.length < length) digits += yield* source.next();
  const code = /^[0-9a-fA-F]+$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
  if (!(code <= 0x10ffff)) throw notACall('an escape is wrong');
  return String.fromCodePoint(code);
}

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
