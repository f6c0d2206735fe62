import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, say } from '../setup/index.mjs';
import { runNpm } from '../setup/npm.mjs';

/**
 * Publishes the packs of a folder: the root package last, so that what it depends on is there when the first person installs it. A version that
 * is published already is left as it is, so that a release that broke off can be run again.
 */
export async function publishPacks(folder, { dryRun }) {
  const { platformManifests, manifestIn } = await import('./manifests.ts');
  const { version } = manifestIn();
  const names = [...platformManifests().map(([, { name }]) => name), '@ohmygpu/demo-model', 'ohmygpu'];
  const files = new Set(readdirSync(folder));
  for (const name of names) {
    const file = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
    const isCuda = name.includes('-cuda-');
    if (!files.has(file)) {
      if (isCuda) continue;
      throw new SetupError(`${file} is missing; nothing more is published.`, 'every platform has to be built first');
    }
    const known = await runNpm(['view', `${name}@${version}`, 'version']);
    if (known.code === 0 && known.stdout.trim() === version) {
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
