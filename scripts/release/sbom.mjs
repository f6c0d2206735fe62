import { readFileSync } from 'node:fs';
import { inCheckout } from '../setup/checkout.mjs';
import { SetupError } from '../setup/index.mjs';
import { runNpm } from '../setup/npm.mjs';

/** What the product is made of, as CycloneDX: npm's list of the bundled packages, and the crates of Cargo.lock. */
export async function makeSbom() {
  const { code, stdout, stderr } = await runNpm([
    'sbom',
    '--sbom-format',
    'cyclonedx',
    '--sbom-type',
    'application',
    '--omit',
    'dev',
    '--package-lock-only',
  ]);
  if (code !== 0) throw new SetupError(`\`npm sbom\` failed.\n${stderr.trimEnd()}`);
  const sbom = JSON.parse(stdout);
  sbom.components.push(...cratesOf(readFileSync(inCheckout('Cargo.lock'), 'utf8')));
  return sbom;
}

/** The crates of a Cargo.lock that come from a registry, as components. */
export function cratesOf(lock) {
  return lock
    .split('[[package]]')
    .slice(1)
    .flatMap((text) => {
      const field = (name) => new RegExp(`^${name} = "(.+)"$`, 'm').exec(text)?.[1];
      const [name, version, checksum] = ['name', 'version', 'checksum'].map(field);
      if (checksum === undefined) return [];
      const purl = `pkg:cargo/${name}@${version}`;
      return [
        {
          'bom-ref': purl,
          type: 'library',
          name,
          version,
          purl,
          hashes: [{ alg: 'SHA-256', content: checksum }],
        },
      ];
    });
}
