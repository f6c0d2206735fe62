import { describe, expect, test } from 'vitest';
import { cyclesOf, moduleGraph } from './rust-modules.ts';

const rootOf = (crate: string) => `crates/${crate}/src/lib.rs`;

/** Files that still need each other: the operations of Python's values, a grammar's parts and their compiler. */
const MAY_NEED_EACH_OTHER = ['crates/omg-template/src/', 'crates/omg-engine/src/grammar/'];

describe('modules of a crate', () => {
  test.each(['omg-format', 'omg-kernels', 'omg-models', 'omg-engine', 'omg-template', 'omg-node'])(
    '%s has no circles',
    (crate) => {
      const graph = moduleGraph(rootOf(crate));
      const edges = [...graph.values()].reduce((sum, targets) => sum + targets.size, 0);
      expect(edges).toBeGreaterThan(3);
      const circles = cyclesOf(graph).filter(
        (files) => !MAY_NEED_EACH_OTHER.some((folder) => files.every((file) => file.startsWith(folder))),
      );
      expect(circles).toEqual([]);
    },
  );

  test('are found by what they use, through a module that only hands names on', () => {
    const graph = moduleGraph(rootOf('omg-models'));
    const uses = (file: string) => [...(graph.get(`crates/omg-models/src/${file}`) ?? [])];
    // `super::{NormSpec, RopeSpec}`, which spec/mod.rs re-exports.
    expect(uses('spec/attention.rs').sort()).toEqual([
      'crates/omg-models/src/spec/norm.rs',
      'crates/omg-models/src/spec/rope.rs',
    ]);
    expect(uses('spec/mod.rs')).toEqual([]);
    // `&llama::FAMILY`, a path in the code and no `use`.
    expect(uses('families/mod.rs')).toContain('crates/omg-models/src/families/llama.rs');
  });

  test('a circle is one, however long', () => {
    const graph = new Map([
      ['a', new Set(['b'])],
      ['b', new Set(['c'])],
      ['c', new Set(['a', 'd'])],
      ['d', new Set<string>()],
    ]);
    expect(cyclesOf(graph)).toEqual([['a', 'b', 'c']]);
  });
});
