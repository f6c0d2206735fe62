import { escapeText } from './escape-text.ts';
import { notACall, type Reading, type TextSource } from './text-source.ts';

/** What Python's words are in JSON. */
export const PYTHON_WORDS: ReadonlyMap<string, string> = new Map([
  ['True', 'true'],
  ['False', 'false'],
  ['None', 'null'],
]);

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '0': '\0', '\n': '' };

/** A text of Python, handed on as JSON. */
export function* readPythonString(source: TextSource, emit: (json: string) => void, quote: string): Reading<void> {
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
