import { cellWidth, characters } from '../terminal/text.ts';
import type { Editor } from './editor.ts';

export const PROMPT = '> ';

export interface PromptLayout {
  rows: string[];
  /** The first row of the text is among them. */
  isFirst: boolean;
  cursorRow: number;
  /** Cells from the left edge, the prompt counted. */
  cursorColumn: number;
}

/**
 * The rows of the text field, and those around the cursor where not all of them fit. Broken at any character, so that the rows in
 * front of the cursor are the same whatever stands behind it.
 */
export function layoutPrompt(editor: Editor, columns: number, maxRows: number): PromptLayout {
  // One cell stays free for the cursor behind the last character.
  const width = Math.max(4, columns - PROMPT.length - 1);
  const rows = breakRows(editor.text, width);
  const before = breakRows(editor.text.slice(0, editor.cursor), width);
  const cursorRow = before.length - 1;
  const first = Math.max(0, Math.min(cursorRow - maxRows + 1, rows.length - maxRows));
  return {
    rows: rows.slice(first, first + maxRows),
    isFirst: first === 0,
    cursorRow: cursorRow - first,
    cursorColumn: PROMPT.length + cellWidth(before[cursorRow] ?? ''),
  };
}

function breakRows(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => {
    const rows = [''];
    let used = 0;
    for (const character of characters(line.replaceAll('\t', '    '))) {
      const cells = cellWidth(character);
      if (used + cells > width) {
        rows.push('');
        used = 0;
      }
      rows[rows.length - 1] += character;
      used += cells;
    }
    return rows;
  });
}
