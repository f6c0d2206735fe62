import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, say } from '../setup/index.mjs';
import { runNpm } from '../setup/npm.mjs';

/**
 * Publishes the packs of a folder: the root package last, so that what it depends on, and the signed list of all, is there when the first person
 * installs it. A version that is published already is left as it is, so that a release that broke off can be run again; one with other
 * bytes ends it, because what is signed would not be what is there.
 */
export async function publishPacks(folder, { dryRun }) {
  const { platformManifests, manifestIn } = await import('./manifests.ts');
  const { checksumsPackage, packFileName } = await import('../targets.ts');
  const { version } = manifestIn();
  const names = [
    ...platformManifests().map(([, { name }]) => name),
    '@ohmygpu/demo-model',
    checksumsPackage,
    'ohmygpu',
  ];
  const files = new Set(readdirSync(folder));
  for (const name of names) {
    const file = packFileName(name, version);
    const isCuda = name.includes('-cuda-');
    if (!files.has(file)) {
      if (isCuda) continue;
      throw new SetupError(`${file} is missing; nothing more is published.`, 'every platform has to be built first');
    }
    const known = await runNpm(['view', `${name}@${version}`, 'dist.integrity']);
    if (known.code === 0 && known.stdout.trim() !== '') {
      const own = `sha512-${createHash('sha512')
        .update(readFileSync(join(folder, file)))
        .digest('base64')}`;
      if (known.stdout.trim() !== own) {
        throw new SetupError(
          `${name}@${version} is published with other bytes than those of ${file}.`,
          'run the failed jobs of the first release again, or release another version',
        );
      }
      say(`${name}@${version} is published already`);
      continue;
    }
    const tag = version.includes('-') ? ['--tag', 'next'] : [];
    const args = ['publish', join(folder, file), '--access', 'public', ...tag];
    const result = await runNpm([...args, ...(dryRun ? ['--dry-run'] : ['--provenance'])]);
    if (result.code !== 0) throw new SetupError(`${name} could not be published.\n${result.stderr.trimEnd()}`);
    say(`${dryRun ? 'would publish' : 'published'} ${name}@${version}`);
  }
}
