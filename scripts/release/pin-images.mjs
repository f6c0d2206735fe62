import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { inCheckout } from '../setup/checkout.mjs';
import { runCommand, SetupError, say, script, underSupportedNode } from '../setup/index.mjs';

/**
 * `node scripts/release/pin-images.mjs`: asks the registries what the tags of our images mean now, and writes the digests behind them. `--check`
 * asks nobody: it fails where an image has no digest.
 */
await script(async () => {
  const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
  if (!(await underSupportedNode())) return;
  const { IMAGE_FILES, imagesIn, withDigests } = await import('./images.ts');
  const texts = new Map(IMAGE_FILES.map((path) => [path, readFileSync(inCheckout(path), 'utf8')]));
  const named = [...texts].flatMap(([path, text]) => imagesIn(text).map((found) => ({ path, ...found })));
  if (values.check) {
    const loose = named.filter(({ digest }) => digest === undefined);
    if (loose.length === 0) return;
    const list = loose.map(({ path, image }) => `  ${path}: ${image}`).join('\n');
    throw new SetupError(
      `A tag can be moved, so a release names its images by digest. These have none:\n${list}`,
      'run `node scripts/release/pin-images.mjs`, look at the change, and commit it',
    );
  }
  const digests = new Map();
  for (const { image } of named) if (!digests.has(image)) digests.set(image, await digestOf(image));
  for (const [path, text] of texts) writeFileSync(inCheckout(path), withDigests(text, digests));
  for (const [image, digest] of digests) say(`${image}@${digest}`);
});

/** That of the list of all platforms. */
async function digestOf(image) {
  const args = ['buildx', 'imagetools', 'inspect', image, '--format', '{{.Manifest.Digest}}'];
  const { code, stdout, stderr } = await runCommand('docker', args, { output: 'capture' });
  const digest = stdout.trim();
  if (code === 0 && /^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
  throw new SetupError(
    `The digest of ${image} could not be asked for.\n${stderr.trimEnd() || digest}`,
    'nothing was changed',
  );
}
