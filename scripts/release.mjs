import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkSize, makeArchive, writeChecksums } from './release/archive.mjs';
import { packAll } from './release/pack.mjs';
import { publishPacks } from './release/publish.mjs';
import { makeSbom } from './release/sbom.mjs';
import { inCheckout } from './setup/checkout.mjs';
import { SetupError, say, script, setUp } from './setup/index.mjs';

/**
 * `npm run release`: packs, and makes the archive of this platform with its checksums and the list of what is inside, in `dist/packs/` and
 * `dist/release/`. `--dry-run` then tries both on clean hosts. `--publish FOLDER` publishes the packs of a folder instead: the platforms
 * first, the root last. `--addon FILE`, `--node FILE`, `--node-libraries FOLDER`, `--node-version X` say what goes in; `--target NAME` is for
 * a C library that is not the one of this machine; `--no-build` takes what is built.
 */
await script(async () => {
  const { values } = parseArgs({
    options: {
      'dry-run': { type: 'boolean' },
      'no-build': { type: 'boolean' },
      publish: { type: 'string' },
      addon: { type: 'string' },
      target: { type: 'string' },
      node: { type: 'string' },
      'node-libraries': { type: 'string' },
      'node-version': { type: 'string' },
    },
  });
  if (values.publish !== undefined) return publishPacks(values.publish, { dryRun: values['dry-run'] ?? false });
  if (!values['no-build'] && !(await setUp())) return;

  const packs = await packAll({
    addon: values.addon ?? inCheckout('dist', 'native', 'omg.node'),
    out: inCheckout('dist', 'packs'),
    target: values.target,
  });
  const out = inCheckout('dist', 'release');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const archive = await makeArchive({
    packs,
    out,
    sbom: await makeSbom(),
    node: values.node,
    nodeLibraries: values['node-libraries'],
    nodeVersion: values['node-version'],
    target: values.target,
  });
  for (const name of ['install.sh', 'install.ps1']) copyFileSync(inCheckout(name), join(out, name));
  await writeChecksums(out);
  say(`${(checkSize(archive) / 1e6).toFixed(1)} MB  ${archive}`);

  if (values['dry-run']) {
    const { tryRelease } = await import('./release/dry-run.ts');
    const { manifestIn } = await import('./release/manifests.ts');
    await tryRelease({ packs, archive, version: manifestIn().version, say }).catch((error) => {
      throw new SetupError(`The release does not work. ${error.message}`);
    });
  }
});
