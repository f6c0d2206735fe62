import { expect, test } from 'vitest';
import { formatPairs, formatTable } from './table.ts';
import { cellWidth } from './text.ts';

const columns = [
  { title: 'NAME' },
  { title: 'ID', drop: 2 },
  { title: 'SIZE', align: 'right' as const },
  { title: 'INSTALLED', drop: 1 },
];
const rows = [
  ['hf.co/someone/A-Model-With-A-Very-Long-Name-GGUF:Q4_K_M', 'abcdef012345', '4.7 GB', '3 hours ago'],
  ['demo:latest', '0123456789ab', '2 MB', '2 days ago'],
];

test('everything is shown where there is room', () => {
  expect(formatTable(columns, rows)[0]).toMatch(/^NAME +ID +SIZE +INSTALLED$/);
  expect(formatTable(columns, rows, 120)).toEqual(formatTable(columns, rows));
});

test('columns go by their number, and a name is cut last', () => {
  expect(formatTable(columns, rows, 90)[0]).toMatch(/^NAME +SIZE +INSTALLED$/);
  expect(formatTable(columns, rows, 70)[0]).toMatch(/^NAME +SIZE$/);
  const [title, first] = formatTable(columns, rows, 30);
  expect(title).toMatch(/^NAME +SIZE$/);
  expect(first).toMatch(/^hf\.co\/someone\/.*… +4\.7 GB$/);
});

test.each([20, 30, 40, 60, 80, 100])('a table within %i cells has one line per row', (width) => {
  const lines = formatTable(columns, rows, width);
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(cellWidth(line)).toBeLessThanOrEqual(width);
});

test('values are wrapped beside their names, and below them where that leaves too little', () => {
  const pairs: [string, string][] = [['context length', 'as many tokens as fit into memory, at most the trained ones']];
  expect(formatPairs(pairs, { width: 50 })).toEqual([
    '  context length   as many tokens as fit into',
    '                   memory, at most the trained',
    '                   ones',
  ]);
  expect(formatPairs(pairs, { width: 30 })).toEqual([
    '  context length',
    '      as many tokens as fit',
    '      into memory, at most the',
    '      trained ones',
  ]);
});
