import { expect, test } from 'vitest';
import { layoutPrompt } from './prompt-layout.ts';

test('the cursor stands behind what is in front of it, wide characters counted twice', () => {
  const layout = layoutPrompt({ text: '日本語x', cursor: 3 }, 40, 10);
  expect(layout).toEqual({ rows: ['日本語x'], isFirst: true, cursorRow: 0, cursorColumn: 2 + 6 });
});

test('a long line breaks where it is full, the same with the cursor anywhere', () => {
  const text = 'abcdefghij';
  expect(layoutPrompt({ text, cursor: 10 }, 8, 10)).toMatchObject({
    rows: ['abcde', 'fghij'],
    cursorRow: 1,
    cursorColumn: 7,
  });
  expect(layoutPrompt({ text, cursor: 6 }, 8, 10)).toMatchObject({
    rows: ['abcde', 'fghij'],
    cursorRow: 1,
    cursorColumn: 3,
  });
});

test('a text taller than the terminal shows the rows around the cursor', () => {
  const text = Array.from({ length: 50 }, (_, line) => `line ${line}`).join('\n');
  const end = layoutPrompt({ text, cursor: text.length }, 40, 5);
  expect(end).toMatchObject({
    rows: ['line 45', 'line 46', 'line 47', 'line 48', 'line 49'],
    isFirst: false,
    cursorRow: 4,
  });
  const start = layoutPrompt({ text, cursor: 0 }, 40, 5);
  expect(start).toMatchObject({
    rows: ['line 0', 'line 1', 'line 2', 'line 3', 'line 4'],
    isFirst: true,
    cursorRow: 0,
  });
});
