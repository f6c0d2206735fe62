import { readFileSync, writeFileSync } from 'node:fs';
import { inCheckout } from './setup/checkout.mjs';
import { missingPlatformPackages } from './setup/lock.mjs';

/**
 * `node scripts/complete-lock.mjs` after `npm install`: adds the platform packages that npm left out of package-lock.json. npm records
 * only those it could resolve when it wrote the file; without the others `npm ci` refuses the file on every machine.
 */
const path = inCheckout('package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
const missing = missingPlatformPackages(lock);
for (const { location, entry } of missing) lock.packages[location] = entry;
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
if (missing.length > 0) writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${missing.length} platform packages added\n`);
