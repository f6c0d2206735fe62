import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** Files that name images of others; paths from the root of the checkout. */
export const IMAGE_FILES = [
  'scripts/deploy/docker/Dockerfile',
  'scripts/deploy/docker/Dockerfile.cuda',
  'scripts/deploy/docker/Dockerfile.release',
  'scripts/deploy/docker/compose.yaml',
] as const;

const NAMED = /^(FROM (?:--platform=\S+ )?| *image: )(\S+?)(@sha256:[0-9a-f]{64})?(?=\s|$)/gm;

/** Images that a text names, our own left out: those are made of what is named here. */
export function imagesIn(text: string): { image: string; digest: string | undefined }[] {
  const stages = new Set([...text.matchAll(/^FROM .+ AS (\S+)$/gm)].map(([, name]) => name));
  return [...text.matchAll(NAMED)]
    .map(([, , image = '', digest]) => ({ image, digest: digest?.slice(1) }))
    .filter(({ image }) => !stages.has(image) && !image.startsWith('ghcr.io/ohmygpu/'));
}

/** The text with the digests of a table behind the names of its images, in the place of others. */
export function withDigests(text: string, digests: ReadonlyMap<string, string>): string {
  return text.replace(NAMED, (whole, before: string, image: string) => {
    const digest = digests.get(image);
    return digest === undefined ? whole : `${before}${image}@${digest}`;
  });
}

/** What a stage of Dockerfile.release names, with its digest where it is pinned. */
export function imageOf(stage: string): string {
  const text = readFileSync(join(ROOT, 'scripts/deploy/docker/Dockerfile.release'), 'utf8');
  const found = new RegExp(`^FROM (\\S+) AS ${stage}$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`Dockerfile.release has no stage ${stage}.`);
  return found;
}
