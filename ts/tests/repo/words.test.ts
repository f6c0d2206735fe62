import { expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles } from './checkout.ts';

/** Words that were used for something the field has a word for; the glossary of CONTRIBUTING.md has those. */
const RETIRED: [RegExp, string][] = [
  [/\bthoughts\b/i, 'reasoning'],
  [/\bvectors?\b/i, 'embedding'],
  [/\bthe (?:model )?hub\b/i, 'Hugging Face'],
  [/\bbring(?:s|ing)?\b/i, 'download, install or fetch'],
  [/\bout of memory\b(?! error)/i, 'unload'],
  [/\btakes? (?:\w+ ){1,3}(?:back|out)\b/i, 'revoke or remove'],
  [/\bwho asks\b/i, 'the caller'],
  [/\bquantisation\b/i, 'quantization'],
];

/** What people read: one-line descriptions of commands, options, routes, settings and errors. */
const SHOWN = /\b(?:summary|description|doc): *(?:'([^']*)'|"([^"]*)"|`([^`]*)`)/g;

const shown = repositoryFiles()
  .filter((path) => /^ts\/.*\.tsx?$/.test(path) && !/^ts\/tests\/|\.test\.|\/test-|\/fixtures\//.test(path))
  .flatMap((path) =>
    [...readRepositoryFile(path).matchAll(SHOWN)].map((found) => ({
      path,
      text: found[1] ?? found[2] ?? found[3] ?? '',
    })),
  );

test('descriptions use the words of the field', () => {
  expect(shown.length).toBeGreaterThan(300);
  const wrong = shown.flatMap(({ path, text }) =>
    RETIRED.filter(([word]) => word.test(text)).map(([, better]) => `${path}: "${text}": say ${better}`),
  );
  expect(wrong).toEqual([]);
});
