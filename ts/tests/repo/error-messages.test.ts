import { expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles } from './checkout.ts';

const sources = repositoryFiles().filter(
  (path) => /^(?:ts|scripts)\/.*\.(?:tsx?|mjs)$/.test(path) && !/^ts\/tests\/|\.test\.|\/test-/.test(path),
);

/** A message is for people; a program that looks for words in one breaks when somebody betters the sentence. */
const MATCHED =
  /\.message\s*(?:\?\.|\.)\s*(?:match|includes|startsWith|endsWith|search|indexOf)\(|\.test\([\w.]*\.message\b|\.message\s*[!=]==/;

test('nothing matches on the text of an error', () => {
  expect(sources.length).toBeGreaterThan(300);
  expect(sources.filter((path) => MATCHED.test(readRepositoryFile(path)))).toEqual([]);
});

test('what matches on a text is found', () => {
  for (const line of ["error.message.includes('busy')", '/busy/.test(error.message)', "if (error.message === 'x')"]) {
    expect(line).toMatch(MATCHED);
  }
});
