import { describe, expect, test } from 'vitest';
import { printable, printableJson, printableLine } from './printable.ts';

/** First and last of each range that must never be seen raw. */
const HARMFUL = [
  ...['\u0000', '\u0007', '\u0008', '\u000b', '\u000d', '\u001b', '\u001f', '\u007f', '\u0080', '\u009b', '\u009f'],
  ...[
    '\u061c',
    '\u200e',
    '\u200f',
    '\u202a',
    '\u202b',
    '\u202c',
    '\u202d',
    '\u202e',
    '\u2066',
    '\u2067',
    '\u2068',
    '\u2069',
  ],
  ...[
    '\u00ad',
    '\u034f',
    '\u115f',
    '\u1160',
    '\u17b4',
    '\u180e',
    '\u200b',
    '\u2060',
    '\u2061',
    '\u2064',
    '\u206a',
    '\u206f',
  ],
  ...[
    '\u3164',
    '\ufeff',
    '\uffa0',
    '\ufff9',
    '\ufffa',
    '\ufffb',
    '\u{1d173}',
    '\u{1d17a}',
    '\u{e0001}',
    '\u{e0020}',
    '\u{e007f}',
  ],
];

test.each(HARMFUL)('%j is not shown', (character) => {
  expect(printable(`a${character}b`)).toBe('ab');
  expect(printable(`a${character}b`, '\ufffd')).toBe('a\ufffdb');
  expect(printable(character)).toBe('');
});

test('escape sequences lose what makes them work', () => {
  expect(printable('a\u001b]0;title\u0007b\u009b2J\tc\r\nd\u0000')).toBe('a]0;titleb2J\tc\nd');
});

test('line ends are one kind, and none in a line', () => {
  expect(printable('a\r\nb\u2028c\u2029d\te\n')).toBe('a\nb\nc\nd\te\n');
  expect(printableLine('a\r\nb\u2028c\td')).toBe('a b c d');
  expect(printableLine('a\nb\u001b', '\ufffd')).toBe('a\ufffdb\ufffd');
});

describe('what people write stays', () => {
  test.each([
    ['Hebrew', 'שלום, world (שלום)!'],
    ['Arabic with vowel marks', 'السَّلامُ عَلَيْكُمْ ٢٠٢٦'],
    ['Persian with its non-joiner', 'می‌خواهم نامه‌ای بنویسم'],
    ['Hindi with joiners', 'क्‍ष र्‍य क्‌ष'],
    ['emoji that are joined', '👩‍👩‍👧 🏳️‍🌈 ❤️‍🔥 👍🏽'],
    ['a keycap', '1️⃣ #️⃣'],
    ['a heart that is drawn in colour', '❤️ ☎︎'],
    ['Japanese with a chosen variant', '葛\u{e0100}城'],
    ['accents of their own', 'e\u0301 ñ'],
    ['Thai, Korean, Chinese', 'ภาษาไทย 한국어 中文'],
  ])('%s', (_, text) => {
    expect(printable(text)).toBe(text);
    // As a model gives it, character by character.
    expect(Array.from(text, (character) => printable(character)).join('')).toBe(text);
  });
});

test.each([
  'de\u200cmo',
  'de\u200dmo',
  'de\ufe0fmo',
  'demo\ufe00',
  'demo8\ufe0f',
  'demo\u{e0101}\u{e0102}',
  'demo\u200d\u200c\u200d',
])('%j does not look like another name', (name) => {
  expect(printable(name).replace('8', '')).toBe('demo');
});

test('a picture carries one selector and no message', () => {
  expect(printable('😀\ufe0f\u{e0141}\u{e0142}\ufe01')).toBe('😀\ufe0f');
});

test.each(HARMFUL)('JSON with %j says the same and shows it', (character) => {
  const value = { [`k${character}`]: [`v${character}w`] };
  const json = printableJson(JSON.stringify(value, null, 2));
  expect(JSON.parse(json)).toEqual(value);
  expect(json).not.toContain(character);
  expect(json).toMatch(/\\[ubrtnf]/);
});

test('JSON leaves the rest alone', () => {
  const json = JSON.stringify({ text: 'שלום 👩‍👧 é', path: 'C:\\u202e' }, null, 2);
  expect(printableJson(json)).toBe(json);
});
