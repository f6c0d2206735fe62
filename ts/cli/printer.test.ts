import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import { readableLogLine } from './commands/logs.ts';
import { Printer } from './printer.ts';
import { styleOf } from './terminal/style.ts';
import { cellWidth } from './terminal/text.ts';

/** What a stranger may have put into a name, a description or an answer of a server. */
const HOSTILE = 'a\u001b[2J\u202egnp.exe\u2066\u2069\u200f\u061c\u200b\u009b1A\u0007\u{e0041}b';
const RAW = /[\p{Cc}--[\t\n]]|[\u061c\u200b\u200f\u202e\u2066\u2069]|\u{e0041}/v;

function captured(options: { isColoured?: boolean; isJson?: boolean; isTerminal?: boolean } = {}) {
  const texts = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _, done) {
        texts[name] += String(chunk);
        done();
      },
    });
  const { isColoured = false, isJson = false, isTerminal = false } = options;
  const colour = { stdout: isColoured, stderr: isColoured };
  const stdout = Object.assign(stream('stdout'), { isTTY: isTerminal });
  return { printer: new Printer({ stdout, stderr: stream('stderr'), isJson, colour }), texts };
}

/** Colours are the printer's own. */
const OWN_CODES = new RegExp(`${String.fromCharCode(27)}\\[(?:[12]|22|3[1236]|39)m`, 'g');
const withoutColours = (text: string): string => text.replace(OWN_CODES, '');

describe.each([false, true])('with colours: %s', (isColoured) => {
  test.each<[string, (printer: Printer) => void]>([
    ['a line', (printer) => printer.line(HOSTILE)],
    ['a status', (printer) => printer.status(HOSTILE)],
    ['a note', (printer) => printer.note(HOSTILE)],
    ['a warning', (printer) => printer.warn(HOSTILE)],
    [
      'a table',
      (printer) =>
        printer.table(
          [{ title: 'NAME' }, { title: 'SIZE' }],
          [
            [HOSTILE, '1'],
            ['b', HOSTILE],
          ],
        ),
    ],
    ['pairs', (printer) => printer.pairs('Model', [['name', HOSTILE]])],
    ['an error with a hint', (printer) => printer.fail(new OmgError('not_found', HOSTILE, { hint: HOSTILE }))],
    ['something unexpected', (printer) => printer.fail(new Error(HOSTILE))],
    ['a line of the log', (printer) => printer.styled(readableLogLine(logLine(HOSTILE), printer.style))],
    ['a line of the log that is no JSON', (printer) => printer.styled(readableLogLine(HOSTILE, printer.style))],
  ])('%s shows nothing that is not to be seen', (_, print) => {
    const { printer, texts } = captured({ isColoured });
    print(printer);
    printer.finish();
    const text = withoutColours(texts.stdout + texts.stderr);
    expect(text).toContain('gnp.exe');
    expect(text).not.toMatch(RAW);
  });
});

function logLine(text: string): string {
  return JSON.stringify({
    level: text,
    time: text,
    msg: `${text}\nfake line`,
    [text]: text,
    nested: { [text]: [text] },
  });
}

test('a line of the log stays one line', () => {
  expect(readableLogLine(logLine('x'), styleOf(false))).not.toContain('\n');
});

test('columns stay where they are when cells hold what has no width', () => {
  const { printer, texts } = captured();
  printer.table(
    [{ title: 'NAME' }, { title: 'SIZE' }],
    [
      [`\u202e${'\u200b'.repeat(20)}ab`, '1'],
      ['שלום', '2'],
      ['👩‍👩‍👧', '3'],
    ],
  );
  const widths = texts.stdout
    .trimEnd()
    .split('\n')
    .map((line) => cellWidth(line.slice(0, line.search(/\S+$/))));
  expect(new Set(widths).size).toBe(1);
});

test('JSON is exact, and nothing in it is hidden', () => {
  const { printer, texts } = captured({ isJson: true });
  const value = { name: HOSTILE, hebrew: 'שלום', family: '👩‍👩‍👧' };
  printer.json(value);
  expect(JSON.parse(texts.stdout)).toEqual(value);
  expect(texts.stdout).not.toMatch(RAW);
  expect(texts.stdout).toContain('\\u202e');
  expect(texts.stdout).toContain('שלום');
});

test('a whole text is exact in a file or a pipe, and harmless on a terminal', () => {
  const piped = captured();
  piped.printer.text(HOSTILE);
  expect(piped.texts.stdout).toBe(HOSTILE);
  const shown = captured({ isTerminal: true });
  shown.printer.text(`${HOSTILE}\n\n`);
  expect(shown.texts.stdout).toMatch(/gnp\.exe.*b\n$/);
  expect(shown.texts.stdout).not.toMatch(RAW);
});
