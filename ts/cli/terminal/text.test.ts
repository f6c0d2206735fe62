import { expect, test } from 'vitest';
import { cellWidth, padEnd, truncate, wrapRows } from './text.ts';

test.each<[string, number, string[]]>([
  ['', 10, ['']],
  ['short', 10, ['short']],
  ['one two three', 7, ['one two', 'three']],
  ['one two three', 8, ['one two', 'three']],
  ['abcdefghij', 4, ['abcd', 'efgh', 'ij']],
  ['ab cdefghij', 4, ['ab', 'cdef', 'ghij']],
  ['日本語です', 4, ['日本', '語で', 'す']],
  ['a\n\nb', 10, ['a', '', 'b']],
  ['  indented', 20, ['  indented']],
])('%j at %i cells', (text, columns, rows) => {
  expect(wrapRows(text, columns)).toEqual(rows);
});

test('no row is wider than asked for, and no letter is lost', () => {
  const text = 'The quick brown 狐 jumps over averyveryverylongword and 👩‍👩‍👧 family. '.repeat(20);
  for (const columns of [3, 7, 20, 61]) {
    const rows = wrapRows(text, columns);
    expect(Math.max(...rows.map(cellWidth))).toBeLessThanOrEqual(columns);
    expect(rows.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
  }
});

test('a text is cut and filled up by cells', () => {
  expect(truncate('日本語', 5)).toBe('日本…');
  expect(truncate('short', 5)).toBe('short');
  expect(cellWidth(padEnd('日本', 6))).toBe(6);
});
