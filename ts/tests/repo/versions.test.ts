import { expect, test } from 'vitest';
import { platformManifests, publishedManifest } from '../../../scripts/release/manifests.ts';
import { nativePackage, TARGETS } from '../../../scripts/targets.ts';
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

test('what is published asks for the native packages in that version, and runs nothing when it is installed', () => {
  const published = publishedManifest();
  const optional = Object.entries(published.optionalDependencies as Record<string, string>);
  expect(optional).toEqual(TARGETS.map(({ name }) => [nativePackage(name), version]));
  const all = [
    published,
    ...platformManifests().map(([, manifest]) => manifest),
    repositoryJson('npm/demo-model/package.json'),
  ];
  expect(all.filter((manifest) => 'scripts' in manifest)).toEqual([]);
});

test('npm/ holds the packages of the table, the demo model and the signed list, and no others', () => {
  const folders = repositoryFiles().flatMap((path) => /^npm\/([^/]+)\/package\.json$/.exec(path)?.[1] ?? []);
  expect(folders.sort()).toEqual(['checksums', 'demo-model', ...platformManifests().map(([folder]) => folder)].sort());
});
