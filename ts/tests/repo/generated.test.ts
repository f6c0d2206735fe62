import { expect, test } from 'vitest';
import { generatedDocuments } from '../../../scripts/gen/documents.ts';
import { readRepositoryFile } from './checkout.ts';

// When one of these fails, run `npm run gen`.
test.each(Object.entries(generatedDocuments()))('%s is up to date', (path, text) => {
  expect(readRepositoryFile(path)).toBe(text);
});

test('the tables name every variable and code', () => {
  const documents = generatedDocuments();
  expect(documents['docs/settings.md']).toContain('`OMG_HOME`');
  expect(documents['docs/errors.md']).toContain('`daemon_not_running`');
});
