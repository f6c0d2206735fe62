import { expect, test } from 'vitest';
import { SpecialFinder } from './special-finder.ts';

const LITERALS = ['<s>', '</s>', '<tool_call>', '</tool_call>', '<think>', '<|im_end|>', '[PAD]', '▁<eos>'];

/** What is found, said as one expression: right, and slow where a text is made for it. */
const REFERENCE = new RegExp(
  [
    ...LITERALS.map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')),
    '<[|｜][^<>\\s]{1,64}>',
    '<[^<>\\s]{1,64}[|｜]>',
    '\\[/?[A-Za-z]*[A-Z]{2,}[A-Z_]*\\]',
    '</?(?:s|bos|eos|pad|unk|mask|cls|sep|EOT|sop|eop|end_of_utterance|start_of_turn|end_of_turn|start_of_image|image_soft_token)>',
    '</?fim_?[a-z]*>',
    '<unused\\d+>',
    '<0x[0-9A-Fa-f]{2}>',
  ].join('|'),
  'gu',
);

const PIECES = [
  ...LITERALS,
  ...['<', '>', '|', '｜', '[', ']', '/', '_', ' ', '\n', 'a', 'AB', 'INST', 'tool', 'x'.repeat(63), '😀', '▁'],
  ...['<|user|>', '<｜User｜>', '[TOOL_CALLS]', '[/INST]', '[aBC_]', '<fim_prefix>', '<unused12>', '<0x0A>', '<eos>'],
];

function randomText(seed: number): string {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  return Array.from({ length: 40 }, () => PIECES[(next() >>> 8) % PIECES.length]).join('');
}

test('finds what the shapes say, in two thousand texts made of their parts', () => {
  const finder = new SpecialFinder(LITERALS.slice(0, 5).join(' '), Object.fromEntries(LITERALS.entries()));
  let found = 0;
  for (let seed = 1; seed <= 2000; seed++) {
    const text = randomText(seed);
    const theirs = text.replace(REFERENCE, (special) => `⟦${special}⟧`);
    const ours = finder.replace(text, (special) => {
      found += 1;
      return `⟦${special}⟧`;
    });
    expect(ours, text).toBe(theirs);
  }
  expect(found).toBeGreaterThan(10_000);
});

test('of two that begin alike the longer one counts', () => {
  const finder = new SpecialFinder('', { a: '§a', b: '§abc' });
  expect(finder.replace('§ab §abc §a', () => '-')).toBe('-b - -');
});

test('no text makes it slow', () => {
  const finder = new SpecialFinder('<tool_call></tool_call>', { a: '<|aaaaaaaaaaaaaaaaaaaaaaaa|>', b: '</s>' });
  // Each takes minutes and more where a search starts again from each of its places.
  const units = ['[', '<', '<|', '[A', '</', '<|a', '<unused1', '[AA_', '<fim_a', '</s>'];
  for (const text of [`[${'A'.repeat(2 ** 22)}`, `<${'1'.repeat(2 ** 22)}`, `<fim_${'a'.repeat(2 ** 22)}`]) {
    expect(finder.replace(text, () => '')).toBe(text);
  }
  for (const unit of units) finder.replace(unit.repeat(2 ** 20), () => '');
});

test('a template that names more tokens, or longer ones, than any honest one is refused', () => {
  const many = Array.from({ length: 1001 }, (_, at) => `<t${at}>`).join('');
  expect(() => new SpecialFinder(many, {})).toThrow('more than 1000');
  expect(() => new SpecialFinder('', { bos_token: 'x'.repeat(10_000) })).toThrow('too long');
});
