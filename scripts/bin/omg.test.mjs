import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodePackageName } from './local-node.mjs';

/** Makes the Node that runs the test say that it is an old one. */
const OLD_NODE =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.9.0"}})';

let root;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'omg-bin-'));
  mkdirSync(join(root, 'scripts', 'bin'), { recursive: true });
  for (const name of readdirSync(import.meta.dirname).filter((file) => !file.includes('.test.'))) {
    copyFileSync(join(import.meta.dirname, name), join(root, 'scripts', 'bin', name));
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function omg(nodeArgs, args) {
  const file = join(root, 'scripts', 'bin', 'omg.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, file, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

function bundle(text) {
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(join(root, 'dist', 'omg.js'), text);
}

test('runs the bundle', () => {
  bundle('console.log(process.argv.slice(2).join()); process.exitCode = 5;');
  expect(omg([], ['list', '--json'])).toEqual({ status: 5, stdout: 'list,--json\n', stderr: '' });
});

test('an installed omg under an older Node says so in one line', () => {
  bundle('');
  const { status, stderr } = omg(['--import', OLD_NODE], ['--version']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: omg needs Node 22\.19\.0 or newer; this is 20\.9\.0\. See https:\S+\n$/);
});

test('in a checkout it names the command that brings a Node', () => {
  writeFileSync(join(root, 'scripts', 'start.mjs'), '');
  expect(omg(['--import', OLD_NODE], ['list']).stderr).toContain('hint: run `npm start`');
});

test('a checkout that is not built says so', () => {
  expect(omg([], ['list'])).toMatchObject({ status: 1, stderr: expect.stringContaining('omg is not built yet') });
});

test.skipIf(process.platform === 'win32')('a checkout with a Node of its own runs with that, exit code and all', () => {
  const folder = join(root, '.node', 'node_modules', nodePackageName(), 'bin');
  mkdirSync(folder, { recursive: true });
  // Stands for the Node of the checkout: shows that it was called, and with what.
  writeFileSync(join(folder, 'node'), '#!/bin/sh\nshift\necho "own node: $*"\nexit 7\n');
  chmodSync(join(folder, 'node'), 0o755);
  const { status, stdout } = omg(['--import', OLD_NODE], ['run', 'demo']);
  expect({ status, stdout }).toEqual({ status: 7, stdout: 'own node: run demo\n' });
});
