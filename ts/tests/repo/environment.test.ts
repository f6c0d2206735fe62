import { expect, test } from 'vitest';
import { SETTINGS, WITHOUT_EFFECT } from '../../config/index.ts';
import { readRepositoryFile, repositoryFiles } from './checkout.ts';

const sources = repositoryFiles().filter(
  (path) => /^ts\/.*\.tsx?$/.test(path) && !/\.test\.tsx?$|^ts\/tests\//.test(path),
);

test('only ts/config reads the environment', () => {
  const readers = sources.filter((path) => /process\.env\b/.test(readRepositoryFile(path)));
  expect(readers.filter((path) => !path.startsWith('ts/config/'))).toEqual([]);
});

test('every variable of ours that the sources name is in the table of settings', () => {
  const known = new Set([
    ...Object.values(SETTINGS).flatMap(({ env }) => [...env] as string[]),
    ...Object.keys(WITHOUT_EFFECT),
  ]);
  const named = sources.flatMap((path) =>
    [...readRepositoryFile(path).matchAll(/\b(?:OMG|OLLAMA|HF|HFTOOL|DMR|MODEL_RUNNER)_[A-Z][A-Z_]+\b/g)].map(
      ([name]) => `${path}: ${name}`,
    ),
  );
  // What other programs read is set there for them.
  const ours = named.filter((entry) => !entry.startsWith('ts/cli/launch/'));
  expect(ours.filter((entry) => !known.has(entry.split(': ')[1] ?? ''))).toEqual([]);
});

test('no variable belongs to two settings, and each setting says what it is', () => {
  const names = [...Object.values(SETTINGS).flatMap(({ env }) => [...env]), ...Object.keys(WITHOUT_EFFECT)];
  expect(new Set(names).size).toBe(names.length);
  for (const [key, { doc }] of Object.entries(SETTINGS)) expect(doc.length, key).toBeGreaterThan(10);
});
