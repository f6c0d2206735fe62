import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { inCheckout } from '../setup/checkout.mjs';
import { SetupError, say, script } from '../setup/index.mjs';
import { writeChecksums } from './archive.mjs';
import { makeSbom } from './sbom.mjs';

/**
 * `node scripts/release/finish.mjs ARCHIVES PACKS`: the files of a release beside the archives of all platforms: scripts, parts list, checksums, and
 * their signature by the key in RELEASE_SIGNING_KEY; and beside the packs of all platforms the package with both. `--throw-away` signs with
 * a key that nobody trusts, to try the rest.
 */
await script(async () => {
  const { values, positionals } = parseArgs({
    options: { 'throw-away': { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [folder, packs] = positionals;
  if (packs === undefined) throw new SetupError('The folders of the archives and of the packs are needed.');
  // First, because the rest takes a while.
  const key = await signingKey(values['throw-away']);
  for (const name of ['install.sh', 'install.ps1']) copyFileSync(inCheckout(name), join(folder, name));
  writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(await makeSbom(), null, 2)}\n`);
  say(await writeChecksums(folder, packs));
  const { signList } = await import('./signing.ts');
  signList(folder, key);
  const { packChecksums } = await import('./checksums-package.ts');
  say(await packChecksums(folder, packs));
});

async function signingKey(isThrowAway) {
  const { makeSigningKey, signingKeyFrom } = await import('./signing.ts');
  const { RELEASE_KEYS } = await import('../release-keys.ts');
  if (isThrowAway) return makeSigningKey();
  const hint = '`node scripts/release/new-key.mjs` makes one, see CONTRIBUTING.md';
  const text = process.env.RELEASE_SIGNING_KEY ?? '';
  if (text === '') throw new SetupError('RELEASE_SIGNING_KEY is empty; a release has to be signed.', hint);
  let key;
  try {
    key = signingKeyFrom(text);
  } catch {
    // What it says of the text would be in the log.
    throw new SetupError('RELEASE_SIGNING_KEY holds no private key for ECDSA over P-256.', hint);
  }
  if (!RELEASE_KEYS.includes(key.publicKey)) {
    throw new SetupError('RELEASE_SIGNING_KEY does not belong to any key of scripts/release-keys.ts.', hint);
  }
  return key;
}
