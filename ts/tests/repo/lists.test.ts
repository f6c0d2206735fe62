import { expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles } from './checkout.ts';

const sources = repositoryFiles().filter((path) => /^ts\/api\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'));

test('bodies are checked with list() and record(), which end at the first wrong element', () => {
  const bare = /\bz\s*\.\s*(?:array|record|looseRecord|partialRecord|tuple|set|map|json)\(|\.array\(\)/;
  const wrong = sources.filter(
    (path) =>
      path !== 'ts/api/wire/list.ts' && bare.test(readRepositoryFile(path).replaceAll(/\/\/.*|\/\*[\s\S]*?\*\//g, '')),
  );
  expect(sources.length).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
});
