import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inCheckout, root } from '../setup/checkout.mjs';
import { runCommand, SetupError } from '../setup/index.mjs';

/** Licences of the npm packages that the bundle holds, as one text. */
export function bundledNotices() {
  const { packages } = JSON.parse(readFileSync(inCheckout('package-lock.json'), 'utf8'));
  const parts = Object.entries(packages)
    .filter(([path, { dev, link, optional }]) => path.startsWith('node_modules/') && !dev && !link && !optional)
    .filter(([path]) => existsSync(inCheckout(path)))
    .map(([path, { version, license }]) => ({
      name: `${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)} ${version}`,
      license: license ?? 'not named',
      folder: inCheckout(path),
    }));
  return noticesOf(parts);
}

/** Licences of the crates that the addon of a target is linked from, as one text. */
export async function crateNotices(triple) {
  const args = ['metadata', '--format-version', '1', '--locked', '--filter-platform', triple];
  const { code, stdout, stderr } = await runCommand('cargo', args, { cwd: root, output: 'capture' });
  if (code !== 0) throw new SetupError(`\`cargo metadata\` failed.\n${stderr.trimEnd()}`);
  const { packages, resolve } = JSON.parse(stdout);
  const used = new Set(resolve.nodes.map(({ id }) => id));
  const parts = packages
    .filter(({ id, source }) => source !== null && used.has(id))
    .map((crate) => ({
      name: `${crate.name} ${crate.version}`,
      license: crate.license ?? 'in its file',
      folder: dirname(crate.manifest_path),
    }));
  return noticesOf(parts);
}

/** A list of parts, then each licence text once with the parts that came with it. */
export function noticesOf(parts) {
  const sorted = [...parts].sort((a, b) => (a.name < b.name ? -1 : 1));
  const holders = new Map();
  for (const { name, folder } of sorted) {
    for (const text of licenceTexts(folder)) holders.set(text, [...(holders.get(text) ?? []), name]);
  }
  const list = sorted.map(({ name, license }) => `${name} (${license})`);
  const texts = [...holders].map(([text, names]) => `${'-'.repeat(78)}\n${names.join(', ')}\n\n${text}`);
  return `This program holds parts of others, with thanks.\n\n${list.join('\n')}\n\n${texts.join('\n\n')}\n`;
}

function licenceTexts(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(?:licen[cs]e|copying|notice)/i.test(entry.name))
    .map(({ name }) => readFileSync(join(folder, name), 'utf8').replace(/\r\n/g, '\n').trim());
}
