import { escapeText } from './escape-text.ts';
import { PYTHON_WORDS, readPythonString } from './python-text.ts';
import { notACall, type Reading, readWhole, type TextSource } from './text-source.ts';

type Emit = (json: string) => void;

const DEEPEST = 200;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Reads one JSON value and hands it on as it comes: without white space, otherwise as it was written. Line breaks and other control
 * characters in strings, which models forget to escape, are escaped. Throws where it is not JSON.
 * @param python texts and words of Python are read as well, as a printed dictionary has them.
 */
export function* readJson(source: TextSource, emit: Emit, python = false, depth = 0): Reading<void> {
  if (depth > DEEPEST) throw notACall('it nests too deeply');
  yield* source.skipSpace();
  const first = yield* source.peek();
  if (first === '"' || (python && first === "'")) yield* readString(source, emit, python);
  else if (first === '{' || first === '[') {
    const close = first === '{' ? '}' : ']';
    yield* readItems(source, first, close, emit, function* () {
      if (first === '{') {
        yield* readString(source, emit, python);
        yield* source.skipSpace();
        yield* source.expect(':');
        emit(':');
      }
      yield* readJson(source, emit, python, depth + 1);
    });
  } else yield* readAtom(source, emit, python);
}

/** A JSON string with its quotation marks. */
export function* readString(source: TextSource, emit: Emit, python = false): Reading<void> {
  yield* source.skipSpace();
  if (python && (yield* source.peek()) === "'") return yield* readPythonString(source, emit, "'");
  yield* source.expect('"');
  emit('"');
  for (;;) {
    const character = yield* source.next();
    if (character === '\\') emit(yield* readEscape(source));
    else {
      emit(character < ' ' ? escapeText(character) : character);
      if (character === '"') return;
    }
  }
}

function* readEscape(source: TextSource): Reading<string> {
  const kind = yield* source.next();
  if ('"\\/bfnrt'.includes(kind)) return `\\${kind}`;
  if (kind !== 'u') throw notACall('an escape is wrong');
  let digits = '';
  while (digits.length < 4) digits += yield* source.next();
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw notACall('an escape is wrong');
  return `\\u${digits}`;
}

/** The items between two brackets, with commas between them. */
export function* readItems(
  source: TextSource,
  open: string,
  close: string,
  emit: Emit,
  item: () => Reading<void>,
): Reading<void> {
  yield* source.expect(open);
  emit(open);
  yield* source.skipSpace();
  if (yield* source.accept(close)) {
    emit(close);
    return;
  }
  for (;;) {
    yield* source.skipSpace();
    yield* item();
    yield* source.skipSpace();
    const after = yield* source.next();
    if (after !== close && after !== ',') throw notACall('a comma is missing');
    emit(after);
    if (after === close) return;
  }
}

function* readAtom(source: TextSource, emit: Emit, python: boolean): Reading<void> {
  const said = yield* readWord(source, /[-+.\w]/);
  const word = python ? (PYTHON_WORDS.get(said) ?? said) : said;
  if (word !== 'true' && word !== 'false' && word !== 'null' && !NUMBER.test(word)) throw notACall('a value is wrong');
  emit(word);
}

/** The characters of a kind that follow each other. */
export function* readWord(source: TextSource, kind: RegExp, longest = 256): Reading<string> {
  let word = '';
  for (let next = yield* source.peek(); next !== '' && kind.test(next); next = yield* source.peek()) {
    word += next;
    source.skip(1);
    if (word.length > longest) throw notACall('a word is too long');
  }
  return word;
}

/** The JSON value of a text, without white space between its parts and otherwise as it was written; undefined where it is none. */
export function compactJson(text: string): string | undefined {
  let json = '';
  const isWhole = readWhole(text, (source) =>
    readJson(source, (part) => {
      json += part;
    }),
  );
  return isWhole ? json : undefined;
}
