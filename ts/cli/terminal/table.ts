import { printableLine } from '../../errors/index.ts';
import { cellWidth, padEnd, padStart, truncate, wrapRows } from './text.ts';

export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** Where the terminal is too narrow, columns are left out from the highest number down; those without one stay. */
  drop?: number;
}

const GAP = 3;
/** A column that is cut keeps at least this much. */
const LEAST_CELLS = 8;

/**
 * Rows under their titles, aligned by cells; a column that is empty in every row is left out. Within `width` cells: first columns that may be
 * dropped go, then the widest one on the left side is cut.
 */
export function formatTable(columns: Column[], rows: string[][], width = Number.POSITIVE_INFINITY): string[] {
  const clean = rows.map((row) => row.map((cell) => printableLine(cell)));
  const filled = columns
    .map((column, index) => ({ ...column, index }))
    .filter(({ index }) => clean.some((row) => row[index]))
    .map((column) => ({
      ...column,
      cells: Math.max(cellWidth(column.title), ...clean.map((row) => cellWidth(row[column.index] ?? ''))),
    }));
  const kept = fitting(filled, width);
  const line = (cells: string[]) =>
    cells
      .map((cell, at) => {
        const { align, cells: wide } = kept[at] ?? { cells: 0 };
        return align === 'right' ? padStart(truncate(cell, wide), wide) : padEnd(truncate(cell, wide), wide);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [line(kept.map(({ title }) => title)), ...clean.map((row) => line(kept.map(({ index }) => row[index] ?? '')))];
}

function fitting<Wide extends Column & { cells: number }>(columns: Wide[], width: number): Wide[] {
  let kept = columns;
  const excess = () => kept.reduce((sum, { cells }) => sum + cells + GAP, -GAP) - width;
  while (excess() > 0) {
    const last = Math.max(...kept.map(({ drop = 0 }) => drop));
    if (last <= 0) break;
    kept = kept.filter(({ drop = 0 }) => drop !== last);
  }
  if (excess() <= 0) return kept;
  const left = kept.filter(({ align }) => align !== 'right');
  const widest = left.reduce<Wide | undefined>(
    (best, next) => (next.cells > (best?.cells ?? 0) ? next : best),
    undefined,
  );
  return kept.map((column) =>
    column === widest ? { ...column, cells: Math.max(LEAST_CELLS, column.cells - excess()) } : column,
  );
}

/**
 * Names and values below each other, such as `context length   8192`. Within `width` cells: values are wrapped beside their names, or below them where
 * too little would be left.
 */
export function formatPairs(
  pairs: [name: string, value: string][],
  { indent = 2, width = Number.POSITIVE_INFINITY }: { indent?: number; width?: number } = {},
): string[] {
  const names = Math.max(...pairs.map(([name]) => cellWidth(name)));
  const beside = indent + names + GAP;
  const isBelow = width - beside < MIN_VALUE_CELLS;
  const left = isBelow ? indent + 4 : beside;
  return pairs.flatMap(([name, value]) => {
    const text = printableLine(value);
    const rows = width === Number.POSITIVE_INFINITY ? [text] : wrapRows(text, width - left);
    const margin = ' '.repeat(left);
    if (isBelow)
      return [`${' '.repeat(indent)}${name}`, ...rows.map((row) => margin + row)].map((row) => row.trimEnd());
    return rows.map((row, at) =>
      `${at === 0 ? `${' '.repeat(indent)}${padEnd(name, names)}${' '.repeat(GAP)}` : margin}${row}`.trimEnd(),
    );
  });
}

const MIN_VALUE_CELLS = 24;
