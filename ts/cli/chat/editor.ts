/** A text field as a value: what it holds, and where the cursor stands in UTF-16 units, always between two characters. */
export interface Editor {
  text: string;
  cursor: number;
}

export type Motion = 'left' | 'right' | 'word-left' | 'word-right' | 'line-start' | 'line-end';

export const EMPTY_EDITOR: Editor = { text: '', cursor: 0 };

export function editorWith(text: string): Editor {
  return { text, cursor: text.length };
}

export function insertText(editor: Editor, text: string): Editor {
  const { text: old, cursor } = editor;
  return { text: old.slice(0, cursor) + text + old.slice(cursor), cursor: cursor + text.length };
}

export function moveCursor(editor: Editor, motion: Motion): Editor {
  return { text: editor.text, cursor: targetOf(editor, motion) };
}

/** Deletes what lies between the cursor and where the motion would lead. */
export function erase(editor: Editor, motion: Motion): Editor {
  const target = targetOf(editor, motion);
  // At the border of a line, Ctrl-U and Ctrl-K take the line end itself, as shells do.
  const atBorder = target === editor.cursor && (motion === 'line-start' || motion === 'line-end');
  const end = atBorder ? targetOf(editor, motion === 'line-start' ? 'left' : 'right') : target;
  const [from, to] = end < editor.cursor ? [end, editor.cursor] : [editor.cursor, end];
  return { text: editor.text.slice(0, from) + editor.text.slice(to), cursor: from };
}

/** The cursor one line up or down in the same column; undefined when there is no such line. */
export function moveLine(editor: Editor, direction: 'up' | 'down'): Editor | undefined {
  const { text, cursor } = editor;
  const start = lineStart(text, cursor);
  const column = cursor - start;
  if (direction === 'up') {
    if (start === 0) return undefined;
    const previous = lineStart(text, start - 1);
    return snapped(text, Math.min(previous + column, start - 1));
  }
  const end = lineEnd(text, cursor);
  if (end === text.length) return undefined;
  return snapped(text, Math.min(end + 1 + column, lineEnd(text, end + 1)));
}

function targetOf({ text, cursor }: Editor, motion: Motion): number {
  switch (motion) {
    case 'left':
      return previousBoundary(text, cursor);
    case 'right':
      return nextBoundary(text, cursor);
    case 'word-left':
      return text.slice(0, cursor).replace(/[^\s]+\s*$|\s+$/u, '').length;
    case 'word-right':
      return cursor + (/^\s*[^\s]+/u.exec(text.slice(cursor))?.[0].length ?? text.length - cursor);
    case 'line-start':
      return lineStart(text, cursor);
    case 'line-end':
      return lineEnd(text, cursor);
  }
}

function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** Characters are looked for this far around the cursor, so that a key press in a long paste stays cheap. */
const REACH = 256;

function nextBoundary(text: string, at: number): number {
  const first = graphemes
    .segment(text.slice(at, at + REACH))
    [Symbol.iterator]()
    .next();
  return first.done ? at : at + first.value.segment.length;
}

function previousBoundary(text: string, at: number): number {
  const from = Math.max(0, at - REACH);
  let last = at;
  for (const { index } of graphemes.segment(text.slice(from, at))) last = from + index;
  return last;
}

/** Moves a position inside a character to its start. */
function snapped(text: string, at: number): Editor {
  const from = Math.max(0, at - REACH);
  const segment = graphemes.segment(text.slice(from, at + REACH)).containing(at - from);
  return { text, cursor: segment ? from + segment.index : at };
}
