import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inCheckout } from '../setup/checkout.mjs';
import { SetupError, say, script } from '../setup/index.mjs';
import { writeChecksums } from './archive.mjs';
import { makeSbom } from './sbom.mjs';

// `node scripts/release/finish.mjs FOLDER`: the files of a release beside the archives of all platforms: scripts, parts list, checksums.
await script(async () => {
  const folder = process.argv[2];
  if (folder === undefined) throw new SetupError('The folder of the archives is needed.');
  for (const name of ['install.sh', 'install.ps1']) copyFileSync(inCheckout(name), join(folder, name));
  writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(await makeSbom(), null, 2)}\n`);
  say(await writeChecksums(folder));
});
