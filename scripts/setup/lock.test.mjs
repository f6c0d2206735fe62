import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inCheckout } from './checkout.mjs';
import { missingPlatformPackages, platformOf } from './lock.mjs';

test('package-lock.json describes the packages of every platform', () => {
  // If this fails after `npm install`, run `node scripts/complete-lock.mjs`.
  const lock = JSON.parse(readFileSync(inCheckout('package-lock.json'), 'utf8'));
  expect(missingPlatformPackages(lock).map(({ location }) => location)).toEqual([]);
});

test('a package that is described in another version counts as missing, and goes below the one that wants it', () => {
  const lock = {
    packages: {
      'node_modules/a': {
        version: '1.0.0',
        optionalDependencies: { 'a-linux-x64-gnu': '1.0.0', 'a-darwin-arm64': '1.0.0' },
      },
      'node_modules/a-linux-x64-gnu': { version: '0.9.0' },
      'node_modules/b': {
        version: '1.0.0',
        dev: true,
        optionalDependencies: { 'a-linux-x64-gnu': '0.9.0', fsevents: '~2.3.3' },
      },
    },
  };
  expect(missingPlatformPackages(lock)).toEqual([
    {
      location: 'node_modules/a/node_modules/a-linux-x64-gnu',
      entry: { version: '1.0.0', cpu: ['x64'], os: ['linux'], libc: ['glibc'], optional: true },
    },
    {
      location: 'node_modules/a-darwin-arm64',
      entry: { version: '1.0.0', cpu: ['arm64'], os: ['darwin'], optional: true },
    },
  ]);
});

test('the platform is read from the name', () => {
  expect(platformOf('@napi-rs/tar-win32-ia32-msvc')).toEqual({ cpu: ['ia32'], os: ['win32'] });
  expect(platformOf('@rolldown/binding-wasm32-wasi')).toEqual({ cpu: ['wasm32'] });
  expect(platformOf('@biomejs/cli-linux-arm64-musl')).toEqual({ cpu: ['arm64'], os: ['linux'], libc: ['musl'] });
});
