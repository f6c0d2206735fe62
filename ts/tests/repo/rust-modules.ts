import { posix } from 'node:path';
import { readRepositoryFile, repositoryFiles } from './checkout.ts';

/** One source file of a crate as the compiler's module tree has it. */
interface Module {
  file: string;
  /** Names from the root of the crate; empty for `lib.rs`. */
  path: string[];
  code: string;
  /** What the file itself defines. */
  items: Set<string>;
  /** What its `use` declarations name, by the name it has here. */
  uses: Use[];
}

interface Use {
  name: string;
  target: string[];
  /** `pub use`: a name that is handed on. */
  exported: boolean;
}

const PATH = /(?<![\w:])[A-Za-z_]\w*(?:::[A-Za-z_]\w*)+/g;
const ITEM = /\b(?:struct|enum|trait|type|fn|const|static|union)\s+([A-Za-z_]\w*)|\bmacro_rules!\s*(\w+)/g;

/** Comments and the insides of literals become blanks, so that what is left is code at the same offsets. */
function withoutText(source: string): string {
  const text =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\bb?r(#*)"[\s\S]*?"\1|b?"(?:\\[\s\S]|[^"\\])*"|b?'(?:\\(?:u\{\w+\}|x\w\w|.)|[^'\\\n])'/g;
  return source.replace(text, (found) => ' '.repeat(found.length));
}

/** Where the brackets that open at `start` close again. */
function closing(code: string, start: number): number {
  let depth = 0;
  for (let at = start; at < code.length; at += 1) {
    if (code[at] === '{') depth += 1;
    if (code[at] === '}' && --depth === 0) return at;
  }
  return code.length;
}

/** Items that only tests are built with are no part of the graph. */
function withoutTests(code: string): string {
  let left = code;
  for (;;) {
    const found = /#\[cfg\(test\)\]\s*/.exec(left);
    if (found === null) return left;
    const rest = left.slice(found.index);
    const [brace, semicolon] = [rest.indexOf('{'), rest.indexOf(';')];
    const end = semicolon >= 0 && (brace < 0 || semicolon < brace) ? semicolon : closing(rest, brace);
    left = left.slice(0, found.index) + ' '.repeat(end + 1) + rest.slice(end + 1);
  }
}

/** The code outside all braces. */
function outermost(code: string): string {
  let depth = 0;
  return [...code]
    .map((letter) => {
      if (letter === '{') depth += 1;
      const kept = depth === 0 || letter === '\n';
      if (letter === '}') depth -= 1;
      return kept ? letter : ' ';
    })
    .join('');
}

/** The leaves of a `use` tree: `a::{b, c::d as e, f::*}`. */
function leaves(tree: string, before: string[] = []): { name: string; target: string[] }[] {
  const text = tree.trim();
  const group = /^((?:\w+::)*)\{([\s\S]*)\}$/.exec(text);
  if (group !== null) {
    const prefix = [...before, ...(group[1] ?? '').split('::').filter(Boolean)];
    const parts: string[] = [];
    let depth = 0;
    let part = '';
    for (const letter of `${group[2]},`) {
      if (letter === ',' && depth === 0) {
        if (part.trim() !== '') parts.push(part);
        part = '';
        continue;
      }
      if (letter === '{') depth += 1;
      if (letter === '}') depth -= 1;
      part += letter;
    }
    return parts.flatMap((inner) => leaves(inner, prefix));
  }
  const [path, alias] = text.split(/\s+as\s+/);
  const segments = [...before, ...(path ?? '').split('::').map((segment) => segment.trim())];
  if (segments.at(-1) === 'self') segments.pop();
  return [{ name: alias ?? segments.at(-1) ?? '', target: segments }];
}

const USE = /((?:\bpub(?:\([^)]*\))?\s+)?)\buse\s+([^;]+);/g;

function readModule(file: string, path: string[]): Module {
  const code = withoutTests(withoutText(readRepositoryFile(file)));
  const uses = [...code.matchAll(USE)].flatMap((match) =>
    leaves(match[2] ?? '').map((leaf) => ({ ...leaf, exported: match[1] !== '' })),
  );
  const items = new Set([...outermost(code).matchAll(ITEM)].map((match) => match[1] ?? match[2] ?? ''));
  return { file, path, code, items, uses };
}

/** All modules of a crate by their path, tests left out. */
function modulesOf(root: string): Map<string, Module> {
  const known = new Set(repositoryFiles());
  const modules = new Map<string, Module>();
  const visit = (file: string, path: string[]): void => {
    const module = readModule(file, path);
    modules.set(path.join('::'), module);
    const stem = posix.basename(file, '.rs');
    const folder = ['lib', 'mod'].includes(stem) ? posix.dirname(file) : posix.join(posix.dirname(file), stem);
    for (const [, name = ''] of module.code.matchAll(/\bmod\s+(\w+)\s*;/g)) {
      const found = [`${folder}/${name}.rs`, `${folder}/${name}/mod.rs`].find((candidate) => known.has(candidate));
      if (found !== undefined) visit(found, [...path, name]);
    }
  };
  visit(root, []);
  return modules;
}

/** Which files of a crate use what others define. A name that a module only hands on counts for the file that defines it. */
export function moduleGraph(root: string): Map<string, Set<string>> {
  const modules = modulesOf(root);
  const at = (path: string[]) => modules.get(path.join('::'));

  /** The path from the crate's root that a path written in `module` means; undefined for other crates. */
  const absolute = (module: Module, written: string[]): string[] | undefined => {
    const [first = '', ...rest] = written;
    if (first === 'crate') return rest;
    if (first === 'self') return [...module.path, ...rest];
    if (first === 'super') {
      const up = written.findIndex((segment) => segment !== 'super');
      const ups = up < 0 ? written.length : up;
      return [...module.path.slice(0, module.path.length - ups), ...written.slice(ups)];
    }
    if (at([...module.path, first]) !== undefined || module.items.has(first)) return [...module.path, ...written];
    const alias = module.uses.find((use) => use.name === first && use.target[0] !== first);
    return alias === undefined ? undefined : absolute(module, [...alias.target, ...rest]);
  };

  /** The file that defines what a path from the root leads to. */
  const definedIn = (path: string[], seen = new Set<string>()): string | undefined => {
    if (seen.has(path.join('::'))) return undefined;
    seen.add(path.join('::'));
    let module = at([]);
    for (const [index, segment] of path.entries()) {
      if (module === undefined) return undefined;
      const child = at([...module.path, segment]);
      if (child === undefined) {
        if (module.items.has(segment)) return module.file;
        for (const use of module.uses.filter(({ name }) => name === segment || name === '*')) {
          const target = use.name === '*' ? [...use.target.slice(0, -1), segment] : use.target;
          const further = absolute(module, [...target, ...path.slice(index + 1)]);
          const found = further && definedIn(further, seen);
          if (found !== undefined) return found;
        }
        return undefined;
      }
      module = child;
    }
    return module?.file;
  };

  const graph = new Map<string, Set<string>>();
  for (const module of modules.values()) {
    const declared = new RegExp(`${USE.source}|\\bmod\\s+\\w+\\s*;`, 'g');
    const body = module.code.replace(declared, (found) => ' '.repeat(found.length));
    const written = new Set(body.match(/\b[A-Za-z_]\w*\b/g));
    const inline = [...module.code.matchAll(/\bmod\s+\w+\s*\{/g)].map(({ index, 0: head }) => ({
      start: index,
      end: closing(module.code, index + head.length - 1),
    }));
    const edges = new Set<string>();
    const add = (path: string[], offset?: number): void => {
      // Inside `mod name { … }` the file itself is what `super` means.
      const depth = inline.filter(({ start, end }) => offset !== undefined && offset > start && offset < end).length;
      const target = absolute(module, path[0] === 'super' && depth > 0 ? ['self', ...path.slice(depth)] : path);
      const file = target && definedIn(target);
      if (file !== undefined && file !== module.file) edges.add(file);
    };
    for (const use of module.uses) {
      if (use.name === '*') {
        for (const name of written) add([...use.target.slice(0, -1), name]);
      } else if (!use.exported || written.has(use.name)) {
        add(use.target);
      }
    }
    for (const match of body.matchAll(PATH)) add(match[0].split('::'), match.index);
    graph.set(module.file, edges);
  }
  return graph;
}

/** Groups of files that reach each other, each sorted; none in a graph without cycles. */
export function cyclesOf(graph: Map<string, Set<string>>): string[][] {
  const reach = (from: string): Set<string> => {
    const seen = new Set<string>();
    const waiting = [...(graph.get(from) ?? [])];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      waiting.push(...(graph.get(next) ?? []));
    }
    return seen;
  };
  const reached = new Map([...graph.keys()].map((file) => [file, reach(file)]));
  const groups = [...graph.keys()]
    .filter((file) => reached.get(file)?.has(file))
    .map((file) => [...(reached.get(file) ?? [])].filter((other) => reached.get(other)?.has(file)).sort());
  return [...new Map(groups.map((group) => [group.join(), group])).values()];
}
