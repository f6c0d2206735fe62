import { expect, test } from 'vitest';
import { compareVersions, isVersion } from './version-order.ts';

test('versions are ordered as semver says', () => {
  const ordered = [
    '0.9.9',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.2.0',
    '1.10.0',
  ];
  const shuffled = [...ordered].reverse();
  expect(shuffled.sort(compareVersions)).toEqual(ordered);
  expect(compareVersions('1.0.0+a', '1.0.0+b')).toBe(0);
});

test.each([
  ['0.1.0', true],
  ['1.0.0-nightly.20261121', true],
  ['latest', false],
  ['1.0', false],
  ['1.0.0; rm', false],
])('%s is a version: %s', (text, is) => {
  expect(isVersion(text)).toBe(is);
});
