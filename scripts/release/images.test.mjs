import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { IMAGE_FILES, imageOf, imagesIn, withDigests } from './images.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const digest = (letter) => `sha256:${letter.repeat(64)}`;
const TEXT = `FROM node:24-slim AS node
FROM --platform=linux/amd64 rust:1@${digest('a')} AS build
COPY --from=node /a /a
FROM build
    image: ghcr.io/ohmygpu/ohmygpu:latest
    image: ghcr.io/open-webui/open-webui:v1 # theirs
`;

test('images of others are found, with and without a digest', () => {
  expect(imagesIn(TEXT)).toEqual([
    { image: 'node:24-slim', digest: undefined },
    { image: 'rust:1', digest: digest('a') },
    { image: 'ghcr.io/open-webui/open-webui:v1', digest: undefined },
  ]);
});

test('digests go behind the tags, and new ones in the place of old ones', () => {
  const digests = new Map([
    ['node:24-slim', digest('b')],
    ['rust:1', digest('c')],
    ['ghcr.io/open-webui/open-webui:v1', digest('d')],
  ]);
  const pinned = withDigests(TEXT, digests);
  expect(imagesIn(pinned)).toEqual([...digests].map(([image, found]) => ({ image, digest: found })));
  expect(withDigests(pinned, digests)).toBe(pinned);
  expect(pinned).toContain('FROM build\n');
  expect(pinned).toContain('ohmygpu:latest\n');
});

test('every image that is pulled is in a file where it can be pinned', () => {
  const named = IMAGE_FILES.flatMap((path) => imagesIn(readFileSync(join(ROOT, path), 'utf8')));
  expect(named.map(({ image }) => image)).toContain('ghcr.io/open-webui/open-webui:v0.11.3');
  expect(named.length).toBeGreaterThan(8);
  expect(imageOf('build-cuda')).toMatch(/^nvidia\/cuda:/);
  expect(() => imageOf('nothing')).toThrow('no stage nothing');
});

test('the check names exactly those without a digest', () => {
  const loose = IMAGE_FILES.flatMap((path) => imagesIn(readFileSync(join(ROOT, path), 'utf8'))).filter(
    (found) => found.digest === undefined,
  );
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'pin-images.mjs'), '--check'], {
    encoding: 'utf8',
  });
  expect(status).toBe(loose.length === 0 ? 0 : 1);
  for (const { image } of loose) expect(stderr).toContain(image);
});
