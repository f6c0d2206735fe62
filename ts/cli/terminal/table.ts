import { printableLine } from '../../errors/index.ts';
import { cellWidth, padEnd, padStart } from './text.ts';

export interface Column {
  title: string;
  align?: 'left' | 'right';
}

/** Rows under their titles, aligned by cells; a column that is empty in every row is left out. */
export function formatTable(columns: Column[], rows: string[][]): string[] {
  const clean = rows.map((row) => row.map((cell) => printableLine(cell)));
  const kept = columns
    .map((column, index) => ({ ...column, index }))
    .filter(({ index }) => clean.some((row) => row[index]));
  const widths = kept.map(({ title, index }) =>
    Math.max(cellWidth(title), ...clean.map((row) => cellWidth(row[index] ?? ''))),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, at) => (kept[at]?.align === 'right' ? padStart : padEnd)(cell, widths[at] ?? 0))
      .join('   ')
      .trimEnd();
  return [line(kept.map(({ title }) => title)), ...clean.map((row) => line(kept.map(({ index }) => row[index] ?? '')))];
}

/** Names and values below each other, such as `context length   8192`. */
export function formatPairs(pairs: [name: string, value: string][], indent = 2): string[] {
  const width = Math.max(...pairs.map(([name]) => cellWidth(name)));
  return pairs.map(([name, value]) =>
    `${' '.repeat(indent)}${padEnd(name, width)}   ${printableLine(value)}`.trimEnd(),
  );
}
