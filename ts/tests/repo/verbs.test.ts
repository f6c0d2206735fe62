import { expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles } from './checkout.ts';

const sources = repositoryFiles().filter(
  (path) =>
    /^(?:ts\/(?!tests\/)|crates\/[^/]+\/src\/).*\.(?:ts|rs)$/.test(path) && !/\.test\.ts$|\/tests?[./]/.test(path),
);
const filesWith = (pattern: RegExp) => sources.filter((path) => pattern.test(readRepositoryFile(path)));

/** What is a kind's own: its requests and events, how they are answered, its route. A driver says what its engine can be asked. */
const ROOM =
  /^(?:ts\/api\/|ts\/engine\/llama-server\/|ts\/mcp\/|ts\/client\/|crates\/omg-engine\/src\/types\/(?!mod\.rs))/;

test('a kind of work is named in six files outside its own', () => {
  const named = filesWith(/\b(?:Self|WorkRequest|WorkEvent)::Score\b|^ {2,4}score: (?:\{|\()|'score'/m);
  expect(named.filter((path) => !ROOM.test(path)).sort()).toEqual([
    'crates/omg-engine/src/serving/decoder.rs',
    'crates/omg-engine/src/serving/encoder.rs',
    'crates/omg-engine/src/types/mod.rs',
    'ts/engine/stand-in/stand-in-model.ts',
    'ts/inference/work.ts',
    'ts/lifecycle/work-kinds.ts',
  ]);
});

test('one file writes that a model does not support something', () => {
  expect(filesWith(/" does not support /)).toEqual(['ts/lifecycle/require-capability.ts']);
});
