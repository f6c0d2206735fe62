import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bundledNotices, noticesOf } from './notices.mjs';
import { cratesOf } from './sbom.mjs';

test('a licence stands once, with all that came with it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'omg-notices-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, file] of [
    ['b', 'LICENSE'],
    ['a', 'license.md'],
  ]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, file), 'Do as you like.\r\n');
    writeFileSync(join(folder, name, 'index.js'), '');
  }
  const parts = ['b', 'a'].map((name) => ({ name: `${name} 1.0.0`, license: 'MIT', folder: join(folder, name) }));
  const text = noticesOf(parts);
  expect(text).toContain('a 1.0.0 (MIT)\nb 1.0.0 (MIT)');
  expect(text.match(/Do as you like\./g)).toHaveLength(1);
  expect(text).toContain('a 1.0.0, b 1.0.0\n\nDo as you like.');
});

test('what is bundled is named, what is only for development is not', () => {
  const text = bundledNotices();
  expect(text).toMatch(/^fastify [\d.]+ \(MIT\)$/m);
  expect(text).not.toMatch(/^vitest /m);
});

test('the list of parts has the crates of a registry, and not ours', () => {
  const lock = `[[package]]\nname = "omg-node"\nversion = "0.1.0"\n\n[[package]]\nname = "half"\nversion = "2.7.1"\nchecksum = "ab"\n`;
  expect(cratesOf(lock)).toEqual([
    {
      'bom-ref': 'pkg:cargo/half@2.7.1',
      type: 'library',
      name: 'half',
      version: '2.7.1',
      purl: 'pkg:cargo/half@2.7.1',
      hashes: [{ alg: 'SHA-256', content: 'ab' }],
    },
  ]);
});
