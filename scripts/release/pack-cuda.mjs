import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { inCheckout } from '../setup/checkout.mjs';
import { SetupError, say, script } from '../setup/index.mjs';
import { packNative, targetOf } from './pack.mjs';

// `node scripts/release/pack-cuda.mjs --target NAME --capability N --addon FILE`: one CUDA flavour, packed into `dist/packs/`.
await script(async () => {
  const { values } = parseArgs({
    options: { target: { type: 'string' }, capability: { type: 'string' }, addon: { type: 'string' } },
  });
  const { nativePackage } = await import('../targets.ts');
  const { platformManifests } = await import('./manifests.ts');
  const name = nativePackage(values.target ?? '', Number(values.capability));
  const [, manifest] = platformManifests().find(([, found]) => found.name === name) ?? [];
  if (manifest === undefined || values.addon === undefined)
    throw new SetupError(`There is no package ${name}, or no --addon.`);
  const out = inCheckout('dist', 'packs');
  mkdirSync(out, { recursive: true });
  const stage = join(out, '.stage-cuda');
  try {
    const { triple } = await targetOf(values.target);
    say(await packNative(stage, manifest, { addon: values.addon, out, triple }));
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
});
