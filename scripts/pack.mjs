import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { packAll } from './release/pack.mjs';
import { inCheckout } from './setup/checkout.mjs';
import { say, script, setUp } from './setup/index.mjs';

/**
 * `npm run pack`: the installable archives for this platform in `dist/packs/`: the root package, the native one, the demo model.
 * `--no-build` takes what is built; `--addon FILE` another library than the development build (releases: that of the profile `dist`).
 */
await script(async () => {
  const { values } = parseArgs({ options: { addon: { type: 'string' }, 'no-build': { type: 'boolean' } } });
  if (!values['no-build'] && !(await setUp())) return;
  const addon = values.addon ?? inCheckout('dist', 'native', 'omg.node');
  const packs = await packAll({ addon, out: inCheckout('dist', 'packs') });
  for (const path of Object.values(packs)) {
    say(`${(statSync(path).size / 1e6).toFixed(1).padStart(6)} MB  ${path}`);
  }
});
