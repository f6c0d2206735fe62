const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Style = { readonly [Name in keyof typeof CODES]: (text: string) => string };

/** Colours, or functions that change nothing. */
export function styleOf(isColoured: boolean): Style {
  const entries = Object.entries(CODES).map(([name, [open, close]]) => [
    name,
    (text: string) => (isColoured ? `\u001b[${open}m${text}\u001b[${close}m` : text),
  ]);
  return Object.fromEntries(entries) as Style;
}

/** https://no-color.org and https://force-color.org, then what the stream is. */
export function wantsColour(options: {
  isTerminal: boolean;
  noColor: string;
  forceColor: string;
  term: string;
}): boolean {
  if (options.noColor !== '') return false;
  if (options.forceColor !== '') return options.forceColor !== '0' && options.forceColor !== 'false';
  return options.isTerminal && options.term !== 'dumb';
}
