import { readFileSync } from 'node:fs';

/**
 * Draws what a terminal showed as an SVG: `tmux capture-pane -e -p | node scripts/terminal-svg.mjs > docs/chat.svg`. Knows the colours and
 * attributes that omg uses; text stays text, so that it can be searched and read aloud.
 */
const CELL = { width: 8.4, height: 19 };
const PADDING = 16;
const BAR = 30;
const COLOURS = {
  31: '#ff7b72',
  32: '#7ee787',
  33: '#f2cc60',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#76e3ea',
  90: '#8b949e',
};
const FOREGROUND = '#e6edf3';

const lines = readFileSync(0, 'utf8').replace(/\s+$/, '').split('\n');
const columns = Math.max(60, ...lines.map((line) => [...stripped(line)].length)) + 1;
const width = Math.ceil(columns * CELL.width + 2 * PADDING);
const height = Math.ceil(lines.length * CELL.height + 2 * PADDING + BAR);

const rows = lines.map((line, index) => {
  const y = BAR + PADDING + (index + 0.75) * CELL.height;
  const spans = pieces(line).map(({ text, style }) => `<tspan${style}>${escaped(text)}</tspan>`);
  return spans.length === 0
    ? ''
    : `<text x="${PADDING}" y="${y.toFixed(1)}" xml:space="preserve">${spans.join('')}</text>`;
});

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
${['#ff5f57', '#febc2e', '#28c840'].map((fill, at) => `<circle cx="${PADDING + 6 + at * 20}" cy="18" r="6" fill="${fill}"/>`).join('')}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="${FOREGROUND}">
${rows.filter((row) => row !== '').join('\n')}
</g>
</svg>
`);

/** The parts of a line between its escape sequences, each with the attributes that hold there. */
function pieces(line) {
  const found = [];
  let [colour, isBold, isDim] = ['', false, false];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is read
  for (const part of line.split(/(\u001b\[[\d;]*m)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is read
    const codes = /^\u001b\[([\d;]*)m$/.exec(part)?.[1];
    if (codes === undefined) {
      const style = `${colour && ` fill="${colour}"`}${isBold ? ' font-weight="bold"' : ''}${isDim ? ' fill-opacity="0.6"' : ''}`;
      if (part !== '') found.push({ text: part, style });
      continue;
    }
    for (const code of codes.split(';').map(Number)) {
      if (code === 0) [colour, isBold, isDim] = ['', false, false];
      else if (code === 1) isBold = true;
      else if (code === 2) isDim = true;
      else if (code === 22) [isBold, isDim] = [false, false];
      else if (code === 39) colour = '';
      else if (COLOURS[code]) colour = COLOURS[code];
    }
  }
  return found;
}

function stripped(line) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is dropped
  return line.replace(/\u001b\[[\d;]*m/g, '');
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
