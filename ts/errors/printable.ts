/** Hold emoji together, and shape words in Persian and Indic scripts. */
const JOINERS = String.raw`\u200c\u200d`;
/** Choose how the character before them is drawn. */
const SELECTORS = String.raw`\ufe00-\ufe0f\u180b-\u180d\u180f\u{e0100}-\u{e01ef}`;

/**
 * Controls, and with them every escape sequence; and what nobody sees and yet moves or disguises the text beside it: marks, overrides and isolates of
 * bidirectional text, zero-width spaces, soft hyphens, tags, fillers. Letters of right-to-left scripts need none of these to be read.
 */
const HARMFUL = String.raw`[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufff9-\ufffb[\p{Default_Ignorable_Code_Point}--[${JOINERS}${SELECTORS}]]]`;

/** Joiners and selectors where they do nothing but make one name look like another. A keycap (`1️⃣`) is a digit with one. */
const STRAY = [
  String.raw`(?<=[\u0020-\u007e${JOINERS}])[${JOINERS}]`,
  String.raw`(?<=[\u0020-\u007e])[${SELECTORS}](?!\u20e3)`,
  `(?<=[${SELECTORS}])[${SELECTORS}]`,
].join('|');

const UNPRINTABLE = new RegExp(`${HARMFUL}|${STRAY}`, 'gv');
const PLAIN = /^[\n\t\u0020-\u007e]*$/;

/**
 * Text from outside (a model, a hub, a file, a server) as it may be shown in a terminal. Line ends and tabs stay, in the form `\n`. Works on
 * pieces of a stream as long as they are cut between characters.
 * @param mark what stands for a character that was taken out
 */
export function printable(text: string, mark = ''): string {
  if (PLAIN.test(text)) return text;
  return text.replace(/\r\n|[\u2028\u2029]/g, '\n').replace(UNPRINTABLE, mark);
}

/** The same for a place that is one line: a cell, a name, a line of a log. */
export function printableLine(text: string, mark = ''): string {
  return printable(text, mark).replace(/[\n\t]/g, mark === '' ? ' ' : mark);
}

/** JSON with every such character written as an escape: what it says is the same, and it can be looked at. */
export function printableJson(json: string): string {
  if (PLAIN.test(json)) return json;
  return json.replace(UNPRINTABLE, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}
