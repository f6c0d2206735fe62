import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles } from './checkout.ts';

/** The folders of ts/ from the lowest to the highest; a folder imports from lower rows only. */
const LAYERS: string[][] = [
  ['errors'],
  ['config'],
  ['inference', 'library'],
  ['engine', 'sources', 'client', 'keys'],
  ['chat'],
  ['lifecycle', 'mcp', 'install'],
  ['api/wire'],
  ['api/ollama', 'api/openai', 'api/management', 'api/anthropic', 'api/docker', 'api/mcp', 'api/service'],
  ['daemon'],
  ['cli', 'sdk', 'ai-sdk'],
];

/** The CLI talks HTTP; it reaches for the daemon's own modules in one place. */
const CLI_MAY_IMPORT = ['errors', 'config', 'client', 'install', 'mcp', 'keys'];
const SERVE_COMMAND = 'ts/cli/commands/serve.ts';

interface Import {
  file: string;
  target: string;
}

/** Folder of a source file by the longest name in the layers; undefined for what is outside them, such as tests. */
function folderOf(path: string): string | undefined {
  const folders = LAYERS.flat().sort((a, b) => b.length - a.length);
  return folders.find((folder) => path.startsWith(`ts/${folder}/`));
}

const sources = repositoryFiles().filter((path) => /^ts\/.*\.tsx?$/.test(path));

/** Every relative import, static, dynamic or of types only, with the path it leads to. */
const imports: Import[] = sources.flatMap((file) => {
  const text = readRepositoryFile(file);
  const specifiers = [...text.matchAll(/(?:from|import|import\()\s*'(\.{1,2}\/[^']+)'/g)].map(
    (match) => match[1] ?? '',
  );
  return specifiers.map((specifier) => ({ file, target: posix.join(posix.dirname(file), specifier) }));
});

/** The strongly connected groups of more than one file, or of one that imports itself (Tarjan 1972). */
function cycles(targets: Map<string, Set<string>>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    const own = index.size;
    index.set(file, own);
    low.set(file, own);
    stack.push(file);
    for (const target of targets.get(file) ?? []) {
      if (!targets.has(target)) continue;
      if (!index.has(target)) low.set(file, Math.min(low.get(file) ?? own, visit(target)));
      else if (stack.includes(target)) low.set(file, Math.min(low.get(file) ?? own, index.get(target) ?? own));
    }
    const lowest = low.get(file) ?? own;
    if (lowest === own) {
      const group = stack.splice(stack.indexOf(file)).sort();
      if (group.length > 1 || targets.get(file)?.has(file)) found.push(group);
    }
    return lowest;
  };
  for (const file of targets.keys()) if (!index.has(file)) visit(file);
  return found;
}

test('a cycle of imports is found, also one of a single file', () => {
  const graph = { a: ['b', 'd'], b: ['c'], c: ['a'], d: ['e'], e: [], f: ['f'] };
  expect(cycles(new Map(Object.entries(graph).map(([file, to]) => [file, new Set(to)])))).toEqual([
    ['a', 'b', 'c'],
    ['f'],
  ]);
});

/** Tests, and what stands beside them for their sake: `*.test.ts`, `test-*.ts`, fixtures. */
const isTest = (file: string) => /^ts\/tests\/|\.test\.tsx?$|\/test-[\w-]+\.tsx?$|\/fixtures\//.test(file);

describe('imports', () => {
  test('are found at all', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  test('lead to files that exist, with their ending', () => {
    const known = new Set(repositoryFiles());
    const broken = imports.filter(({ target }) => !known.has(target) && !target.endsWith('.node'));
    expect(broken).toEqual([]);
  });

  test('go downwards only, and never to a sibling', () => {
    const rank = (folder: string) => LAYERS.findIndex((row) => row.includes(folder));
    const wrong = imports.filter(({ file, target }) => {
      const [from, to] = [folderOf(file), folderOf(target)];
      if (isTest(file) || from === undefined || to === undefined || from === to) return false;
      return rank(to) >= rank(from);
    });
    expect(wrong).toEqual([]);
  });

  test('enter another folder through its index.ts', () => {
    const wrong = imports.filter(({ file, target }) => {
      const [from, to] = [folderOf(file), folderOf(target)];
      if (to === undefined || from === to) return false;
      return target !== `ts/${to}/index.ts`;
    });
    expect(wrong).toEqual([]);
  });

  test('of the CLI lead to the client and not to what the daemon is made of', () => {
    const wrong = imports.filter(({ file, target }) => {
      const to = folderOf(target);
      if (isTest(file) || folderOf(file) !== 'cli' || to === undefined || to === 'cli') return false;
      return !CLI_MAY_IMPORT.includes(to) && !(file === SERVE_COMMAND && to === 'daemon');
    });
    expect(wrong).toEqual([]);
  });

  test('never go round, not for a type either', () => {
    const targets = new Map(sources.map((file) => [file, new Set<string>()]));
    for (const { file, target } of imports) targets.get(file)?.add(target);
    expect(cycles(targets)).toEqual([]);
  });

  test('of production code never lead to tests', () => {
    expect(imports.filter(({ file, target }) => !isTest(file) && target.startsWith('ts/tests/'))).toEqual([]);
  });
});

test('every folder of ts/ stands in the layers', () => {
  const unknown = sources.filter((file) => !file.startsWith('ts/tests/') && folderOf(file) === undefined);
  expect(unknown).toEqual([]);
});

test('every folder has an index.ts', () => {
  const folders = [...new Set(sources.map(folderOf))].filter((folder) => folder !== undefined);
  expect(folders.filter((folder) => !sources.includes(`ts/${folder}/index.ts`))).toEqual([]);
});

test('only ts/engine/native loads addons', () => {
  const loads = /process\.dlopen|\brequire\(/;
  const wrong = sources.filter(
    (file) => !isTest(file) && !file.startsWith('ts/engine/native/') && loads.test(readRepositoryFile(file)),
  );
  expect(wrong).toEqual([]);
});

test('only ts/config reads the environment', () => {
  const wrong = sources.filter(
    (file) => !isTest(file) && !file.startsWith('ts/config/') && /\bprocess\.env\b/.test(readRepositoryFile(file)),
  );
  expect(wrong).toEqual([]);
});
