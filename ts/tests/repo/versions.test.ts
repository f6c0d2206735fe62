import { expect, test } from 'vitest';
import { VERSION } from '../../config/index.ts';
import { readRepositoryFile, repositoryFiles, repositoryJson } from './checkout.ts';

const version = repositoryJson('package.json').version;

test('every package of npm/ has the version of package.json', () => {
  const manifests = repositoryFiles().filter((path) => /^npm\/[^/]+\/package\.json$/.test(path));
  expect(manifests.length).toBeGreaterThan(0);
  expect(manifests.filter((path) => repositoryJson(path).version !== version)).toEqual([]);
});

test('the packages of npm/ that this one depends on are asked for in that version', () => {
  const ours = Object.entries(repositoryJson('package.json').dependencies ?? {}).filter(([name]) =>
    name.startsWith('@ohmygpu/'),
  );
  expect(ours).toEqual(ours.map(([name]) => [name, version]));
});

test('the crates have the version of package.json', () => {
  const workspace = /\[workspace\.package\][^[]*?^version = "(.+)"$/m.exec(readRepositoryFile('Cargo.toml'));
  expect(workspace?.[1]).toBe(version);
  const manifests = repositoryFiles().filter((path) => /^crates\/[^/]+\/Cargo\.toml$/.test(path));
  expect(manifests.filter((path) => !/^version\.workspace = true$/m.test(readRepositoryFile(path)))).toEqual([]);
});

test('the lock files name it too', () => {
  expect(repositoryJson('package-lock.json').version).toBe(version);
  expect(readRepositoryFile('Cargo.lock')).toContain(`name = "omg-engine"\nversion = "${version}"`);
});

test('the program reports it', () => {
  expect(VERSION).toBe(version);
});

test('CHANGELOG.md has an entry for it', () => {
  expect(readRepositoryFile('CHANGELOG.md')).toContain(`## ${String(version)}`);
});
