import { readFileSync } from 'node:fs';
import { inCheckout } from '../setup/checkout.mjs';

// `node scripts/release/check-tag.mjs TAG`: a tag that is not the version of package.json must not be released.
const { version } = JSON.parse(readFileSync(inCheckout('package.json'), 'utf8'));
const tag = process.argv[2] ?? '';
if (tag !== `v${version}`) {
  process.stderr.write(`error: the tag is ${tag || 'missing'}, and package.json has ${version}\n`);
  process.exit(1);
}
process.stdout.write(`${version}\n`);
