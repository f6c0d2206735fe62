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

function omg(nodeArgs, args, env = process.env) {
  const file = join(root, 'scripts', 'bin', 'omg.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, file, ...args], {
    encoding: 'utf8',
    env,
  });
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

/** The variables of the allocator that a program has begun with, and what its children would get. */
const ALLOCATOR = `
  const { readFileSync } = await import('node:fs');
  const begun = readFileSync('/proc/self/environ', 'utf8').split('\\0').filter((entry) => /^(?:MALLOC|OMG)_/.test(entry));
  const left = Object.keys(process.env).filter((name) => /^(?:MALLOC|OMG)_/.test(name));
  console.log(JSON.stringify({ begun: begun.filter((entry) => !entry.startsWith('OMG_')), left, args: process.argv.slice(2), flags: process.execArgv }));
`;

process.report.excludeNetwork = true;
const hasGlibc = process.report.getReport().header.glibcVersionRuntime !== undefined;

function allocatorOf(args, env = {}) {
  bundle(ALLOCATOR);
  const { status, stdout, stderr } = omg(['--no-warnings'], args, { PATH: process.env.PATH, ...env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

test.skipIf(!hasGlibc)('the daemon begins with an allocator that gives memory back, and its children without', () => {
  expect(allocatorOf(['serve', '--port', '0'])).toEqual({
    begun: ['MALLOC_ARENA_MAX=2', 'MALLOC_MMAP_THRESHOLD_=262144', 'MALLOC_TRIM_THRESHOLD_=262144'],
    left: [],
    args: ['serve', '--port', '0'],
    flags: ['--no-warnings'],
  });
});

test.skipIf(!hasGlibc)('what somebody has set stays, for the daemon and for its children', () => {
  expect(allocatorOf(['serve'], { MALLOC_ARENA_MAX: '7' })).toMatchObject({
    begun: ['MALLOC_ARENA_MAX=7', 'MALLOC_MMAP_THRESHOLD_=262144', 'MALLOC_TRIM_THRESHOLD_=262144'],
    left: ['MALLOC_ARENA_MAX'],
  });
  expect(allocatorOf(['serve'], { GLIBC_TUNABLES: 'glibc.malloc.arena_max=3' })).toMatchObject({ begun: [], left: [] });
});

test.skipIf(!hasGlibc).each([[['list']], [['serve', '-d']], [['serve', 'status']], [['serve', '--help']]])(
  '`omg %j` is no daemon and begins once',
  (args) => {
    expect(allocatorOf(args)).toMatchObject({ begun: [], left: [] });
  },
);
