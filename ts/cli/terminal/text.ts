import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Terminal cells that a text takes, wide characters and emoji counted as two. */
export function cellWidth(text: string): number {
  return stringWidth(text);
}

/** The parts of a text that a person sees as one character. */
export function characters(text: string): string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** Breaks text into rows of at most `columns` cells: at spaces where a line has them, anywhere otherwise. Never returns an empty list. */
export function wrapRows(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line.replaceAll('\t', '    '), Math.max(1, columns)));
}

function wrapLine(line: string, columns: number): string[] {
  // Most lines fit; a line of n UTF-16 units takes at most 2n cells.
  if (line.length * 2 <= columns || cellWidth(line) <= columns) return [line];
  const rows: string[] = [];
  let row = '';
  let width = 0;
  // End of the last space in `row`, where it may break; 0: none.
  let breakAt = 0;
  for (const character of characters(line)) {
    const cells = cellWidth(character);
    if (width + cells > columns && row !== '') {
      if (character === ' ') {
        // The space that would start the next row is the break itself.
        rows.push(row);
        [row, width, breakAt] = ['', 0, 0];
        continue;
      }
      const kept = breakAt > 0 ? row.slice(0, breakAt).trimEnd() : row;
      const rest = breakAt > 0 ? row.slice(breakAt) : '';
      rows.push(kept === '' ? row.slice(0, breakAt) : kept);
      [row, width, breakAt] = [rest, cellWidth(rest), 0];
    }
    row += character;
    width += cells;
    if (character === ' ') breakAt = row.length;
  }
  rows.push(row);
  return rows;
}

/** Cuts a text to `columns` cells, with an ellipsis where something is missing. */
export function truncate(text: string, columns: number): string {
  if (cellWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const character of characters(text)) {
    width += cellWidth(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Fills up with spaces to `columns` cells. */
export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - cellWidth(text)));
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - cellWidth(text))) + text;
}

/** Cells of a line that is written to a stream; a file or a pipe takes any length. */
export function widthOf({ isTTY, columns }: { isTTY?: boolean; columns?: number }): number {
  return isTTY === true ? Math.max(20, columns ?? 80) : Number.POSITIVE_INFINITY;
}
