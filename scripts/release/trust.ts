import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RELEASE_KEYS } from '../release-keys.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** install.sh or install.ps1 with other keys to trust. */
export function scriptWithKeys(name: string, text: string, keys: readonly string[]): string {
  const [line, wanted] = name.endsWith('.ps1')
    ? [/^\$Keys = @\(.*\)$/m, `$Keys = @(${keys.map((key) => `'${key}'`).join(', ')})`]
    : [/^KEYS='.*'$/m, `KEYS='${keys.join(' ')}'`];
  if (!line.test(text)) throw new Error(`${name} has no line with keys.`);
  return text.replace(line, () => wanted);
}

/** The script of this checkout, in a folder, trusting the key of a stand-in. Gives its path. */
export function installerTrusting(key: string, name: string, folder: string): string {
  const path = join(folder, name);
  writeFileSync(path, scriptWithKeys(name, readFileSync(join(ROOT, name), 'utf8'), [key]));
  return path;
}

/**
 * Makes a package or archive that was unpacked into a folder trust another key than the real ones, so that it can be tried against stand-ins of a registry and a site.
 * It is a different program then: no setting and no variable changes what the real one trusts.
 */
export function trustInFolder(folder: string, key: string): void {
  const [real = ''] = RELEASE_KEYS;
  let found = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.js')) continue;
    const path = join(entry.parentPath, entry.name);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(real)) continue;
    writeFileSync(path, text.replaceAll(real, key));
    found += 1;
  }
  if (found === 0) throw new Error(`No file of ${folder} holds the keys of releases.`);
}
