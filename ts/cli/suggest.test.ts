import { expect, test } from 'vitest';
import { didYouMean, editDistance } from './suggest.ts';

const COMMANDS = ['list', 'pull', 'run', 'show', 'serve', 'search', 'stop', 'chat', 'config'];

test.each([
  ['lst', 'list'],
  ['pul', 'pull'],
  ['serv', 'serve'],
  ['chta', 'chat'],
  ['conf', 'config'],
  ['SHOW', 'show'],
])('%s means %s', (word, meant) => {
  expect(didYouMean(word, COMMANDS)).toBe(meant);
});

test.each(['', 'xyzzy', 'download'])('nothing is near %j', (word) => {
  expect(didYouMean(word, COMMANDS)).toBeUndefined();
});

test('distance counts a swap of neighbours as one', () => {
  expect(editDistance('chta', 'chat')).toBe(1);
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('', 'abc')).toBe(3);
});
