import { readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { inCheckout, root } from '../setup/checkout.mjs';
import { SetupError, say, script, underSupportedNode } from '../setup/index.mjs';

/**
 * `node scripts/release/new-key.mjs --out FILE`: a new key for releases. The private half goes into FILE, outside the checkout and readable
 * by its owner only; the public half behind the keys that are trusted already. `--replace`: in the place of them.
 */
await script(async () => {
  const { values } = parseArgs({ options: { out: { type: 'string' }, replace: { type: 'boolean' } } });
  if (!(await underSupportedNode())) return;
  if (values.out === undefined) throw new SetupError('--out FILE is needed: where the private key goes.');
  const out = resolve(values.out);
  const fromRoot = relative(root, out);
  if (!fromRoot.startsWith(`..${sep}`) && !isAbsolute(fromRoot))
    throw new SetupError('The private key must not lie in the checkout.');
  const { makeSigningKey } = await import('./signing.ts');
  const { scriptWithKeys } = await import('./trust.ts');
  const { RELEASE_KEYS } = await import('../release-keys.ts');
  const { publicKey, privateKey } = makeSigningKey();
  try {
    writeFileSync(out, privateKey, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new SetupError(`${out} could not be written (${error.code}).`, 'name a file that does not exist yet');
  }
  const keys = [...(values.replace ? [] : RELEASE_KEYS), publicKey];
  const list = keys.map((key) => `  '${key}',\n`).join('');
  rewrite('scripts/release-keys.ts', (text) => text.replace(/(?<== \[\n)(?: {2}'.*',\n)*/, list));
  for (const name of ['install.sh', 'install.ps1']) rewrite(name, (text) => scriptWithKeys(name, text, keys));
  say(`The private key is in ${out}. Make it the secret of the workflow, keep a copy offline, then delete the file:`);
  say(`  gh secret set RELEASE_SIGNING_KEY --env release < ${out}`);
  say('The public key is in scripts/release-keys.ts, install.sh and install.ps1. Commit them.');
});

function rewrite(name, change) {
  writeFileSync(inCheckout(name), change(readFileSync(inCheckout(name), 'utf8')));
}
