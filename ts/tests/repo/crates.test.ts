import { describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../../errors/index.ts';
import { readRepositoryFile, repositoryFiles } from './checkout.ts';

/** From the lowest to the highest; a crate depends on those before it only. */
const CRATES = ['omg-format', 'omg-kernels', 'omg-models', 'omg-engine', 'omg-template', 'omg-node'];

/** Tables of a manifest by their heading. */
function tablesOf(manifest: string): Map<string, string> {
  const parts = manifest.split(/^\[(.+)\]$/m).slice(1);
  return new Map(parts.flatMap((part, at) => (at % 2 === 0 ? [[part, parts[at + 1] ?? '']] : [])));
}

function dependenciesOf(crate: string): string[] {
  const tables = tablesOf(readRepositoryFile(`crates/${crate}/Cargo.toml`));
  const found = [...tables].filter(([name]) => name === 'dependencies' || name.endsWith('.dependencies'));
  return found.flatMap(([, text]) => [...text.matchAll(/^([\w-]+)(?:\.\w+)?\s*=/gm)].map((match) => match[1] ?? ''));
}

describe('crates', () => {
  test('are those that are known here', () => {
    const found = repositoryFiles().flatMap((path) => /^crates\/([^/]+)\/Cargo\.toml$/.exec(path)?.[1] ?? []);
    expect(found.sort()).toEqual([...CRATES].sort());
  });

  test.each(CRATES)('%s depends on lower crates only', (crate) => {
    const ours = dependenciesOf(crate).filter((name) => name.startsWith('omg-'));
    expect(ours.filter((name) => CRATES.indexOf(name) >= CRATES.indexOf(crate))).toEqual([]);
  });

  test('only omg-node knows Node, and formats and kernels know no tensors', () => {
    for (const crate of CRATES.slice(0, -1)) {
      expect(dependenciesOf(crate).filter((name) => name.startsWith('napi'))).toEqual([]);
    }
    for (const crate of ['omg-format', 'omg-kernels']) {
      expect(dependenciesOf(crate).filter((name) => name.startsWith('candle'))).toEqual([]);
    }
  });

  test('omg-template depends on nothing of ours', () => {
    expect(dependenciesOf('omg-template').filter((name) => name.startsWith('omg-'))).toEqual([]);
  });

  test('the binding stays a translation: at most 1000 lines', () => {
    const files = repositoryFiles().filter((path) => /^crates\/omg-node\/src\/.*\.rs$/.test(path));
    const lines = files.reduce((sum, path) => sum + readRepositoryFile(path).split('\n').length, 0);
    expect(lines).toBeLessThanOrEqual(1000);
  });
});

test('every error code of the crates is one of ts/errors/codes.ts', () => {
  const files = repositoryFiles().filter((path) => /^crates\/[^/]+\/src\/.*\.rs$/.test(path));
  const unknown = files.flatMap((path) => {
    const bodies = [...readRepositoryFile(path).matchAll(/fn code\(&?self\)[^{]*\{([\s\S]*?)\n {4}\}/g)];
    const codes = bodies.flatMap((body) =>
      [...(body[1] ?? '').matchAll(/"([a-z_]+)"/g)].map((match) => match[1] ?? ''),
    );
    return codes.filter((code) => !Object.hasOwn(ERROR_CODES, code)).map((code) => `${path}: ${code}`);
  });
  expect(unknown).toEqual([]);
});

test('each crate with an error type gives it a code', () => {
  const sourcesOf = (crate: string) =>
    repositoryFiles()
      .filter((path) => path.startsWith(`crates/${crate}/src/`) && path.endsWith('.rs'))
      .map(readRepositoryFile)
      .join('\n');
  const withErrors = CRATES.filter((crate) => /#\[derive\([^)]*\bError\b/.test(sourcesOf(crate)));
  expect(withErrors).toContain('omg-engine');
  expect(withErrors.filter((crate) => !/fn code\(&?self\)/.test(sourcesOf(crate)))).toEqual([]);
});
