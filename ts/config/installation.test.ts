import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installation, RELEASE_FILE } from './installation.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'omg-installation-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A package at this path; gives a file deep inside it. */
function packageAt(...path: string[]): { root: string; file: string } {
  const root = join(folder, ...path);
  mkdirSync(join(root, 'dist', 'chunks'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"name":"ohmygpu"}');
  return { root, file: join(root, 'dist', 'chunks', 'a.js') };
}

test.each([
  [['lib', 'node_modules', 'ohmygpu'], 'npm', 'npm install -g'],
  [['.npm', '_npx', 'abc', 'node_modules', 'ohmygpu'], 'npx', 'npm install -g'],
  [['global', '5', '.pnpm', 'ohmygpu@0.1.0', 'node_modules', 'ohmygpu'], 'pnpm', 'pnpm add -g'],
  [['.bun', 'install', 'global', 'node_modules', 'ohmygpu'], 'bun', 'bun add -g'],
  [['somewhere', 'ohmygpu'], 'unknown', 'npm install -g'],
])('%j was installed by %s', (path, by, repair) => {
  const { root, file } = packageAt(...path);
  expect(installation(file)).toMatchObject({ by, root, repair: expect.stringContaining(repair) });
});

test('a project that depends on it is not the global folder of npm', () => {
  const { file } = packageAt('project', 'node_modules', 'ohmygpu');
  writeFileSync(join(folder, 'project', 'package.json'), '{"name":"mine"}');
  expect(installation(file).by).toBe('npm-project');
});

test('yarn keeps a package.json above its global folder', () => {
  const { file } = packageAt('yarn', 'global', 'node_modules', 'ohmygpu');
  writeFileSync(join(folder, 'yarn', 'global', 'package.json'), '{}');
  expect(installation(file).by).toBe('yarn');
});

test('a release archive and a checkout are known by what lies in them', () => {
  const archive = packageAt('lib', 'ohmygpu', '0.1.0');
  writeFileSync(join(archive.root, RELEASE_FILE), '{}');
  expect(installation(archive.file).by).toBe('archive');
  const checkout = packageAt('src', 'ohmygpu');
  mkdirSync(join(checkout.root, 'crates', 'omg-node'), { recursive: true });
  expect(installation(checkout.file).by).toBe('checkout');
});

test('outside of any package nothing is claimed', () => {
  expect(installation(join(folder, 'x.js'))).toMatchObject({ by: 'unknown', root: undefined });
});
