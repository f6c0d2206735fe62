import { describe, expect, test } from 'vitest';
import { FAMILIES } from './recorded-answers.ts';
import { answerOf, formatFor } from './test-answer.ts';

/** More of them with OMG_CUTS. */
const ROUNDS = Number(process.env.OMG_CUTS ?? 60);

/** What models write where it does not belong: parts of tags, brackets too many, characters of several units and bytes. */
const STRAY = [
  '}',
  '}}',
  '{',
  ']',
  '"',
  '\\',
  '<',
  '</',
  '>',
  '|>',
  '[',
  '`',
  "'",
  ':',
  ',',
  ' ',
  '\n',
  '\r\n',
  'é',
  '😀',
  '\u2028',
  '｜',
  'null',
  'x',
];

type Random = (below: number) => number;

function randomFrom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Pieces of one to a dozen units, wherever that cuts a tag or a character. */
function cutUp(text: string, random: Random): string[] {
  const chunks: string[] = [];
  for (let at = 0; at < text.length; ) {
    const length = 1 + random(random(2) === 0 ? 3 : 12);
    chunks.push(text.slice(at, at + length));
    at += length;
  }
  return chunks;
}

/** A recorded answer with something in it that does not belong there, and parts of it twice or missing. */
function damaged(text: string, random: Random): string {
  const tags = text.match(/<[^<>\s]{1,30}>|\[[A-Z_/]+\]/g) ?? [];
  let result = text;
  for (let count = random(4); count > 0; count--) {
    const at = random(result.length + 1);
    const length = random(8);
    const stray = [...STRAY, ...tags, result.slice(at, at + 20)];
    const what = stray[random(stray.length)] ?? '';
    result = result.slice(0, at) + (random(3) === 0 ? '' : what) + result.slice(at + (random(2) === 0 ? 0 : length));
  }
  return result;
}

describe('a stream says what the whole answer says, wherever it is cut and wherever it breaks off', () => {
  test.each(FAMILIES.map((family, at) => ({ ...family, seed: at + 1 })))('$family', async (family) => {
    const random = randomFrom(family.seed);
    const format = formatFor(family);
    for (let round = 0; round < ROUNDS; round++) {
      const other = FAMILIES[random(FAMILIES.length)]?.text ?? '';
      const said = round % 6 === 0 ? `${family.text}\nThen: ${other}` : family.text;
      const text = round % 3 === 0 ? said : damaged(said, random);
      const ended = round % 2 === 0 ? text : text.slice(0, random(text.length + 1));
      const chunks = cutUp(ended, random);
      expect(await answerOf(format, chunks), JSON.stringify(chunks)).toEqual(await answerOf(format, [ended]));
    }
  });

  test('more than a thousand of them', () => {
    expect(ROUNDS * FAMILIES.length).toBeGreaterThan(1000);
  });
});
