import type { Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { readRegularFile } from './regular-file.ts';
import { maySet, type SettingKey, type SettingValue } from './settings.ts';

export interface ProjectFile {
  path: string;
  text: string;
}

const MAX_BYTES = 64 * 1024;

/**
 * The nearest `.omg/config.toml` from a folder upwards, not beyond the home of its user. One that somebody else could have written is passed
 * over, and nothing above it is looked for; a warning says why.
 */
export async function findProjectFile(
  cwd: string,
  userFile: string,
  warnings: string[],
): Promise<ProjectFile | undefined> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const path = join(folder, '.omg', 'config.toml');
    const file = path === userFile ? undefined : await readRegularFile(path, MAX_BYTES);
    if (file !== undefined) {
      const refused = 'refused' in file ? file.refused : await writtenByOthers(dirname(path), path, file.stats);
      if (refused === undefined && 'text' in file) return { path, text: file.text };
      warnings.push(`${path} ${refused}. It is ignored.`);
      return undefined;
    }
    const parent = dirname(folder);
    // At the root of a drive of Windows any account may make folders.
    const isEnd = process.platform === 'win32' && dirname(parent) === parent;
    if (isEnd || folder === homedir() || parent === folder) return undefined;
  }
}

/** Why another account may have written the file; undefined where none can have. */
async function writtenByOthers(folder: string, path: string, file: Stats): Promise<string | undefined> {
  // Windows keeps rights in lists that `stat` does not show; folders of others are not writable there by default.
  if (process.getuid === undefined) return undefined;
  try {
    // A link belongs to the one who made it, whatever it leads to.
    const found: [string, string, Stats][] = [
      ['', path, await lstat(path)],
      ['', path, file],
      [' is in a folder that', folder, await lstat(folder)],
      [' is in a folder that', folder, await stat(folder)],
    ];
    for (const [where, what, stats] of found) {
      if (stats.uid !== process.getuid() && stats.uid !== 0) return `${where} belongs to another account`.trim();
      if (!stats.isSymbolicLink() && (stats.mode & 0o022) !== 0) {
        return `${where} others can write to (\`chmod go-w '${what}'\` takes that away)`.trim();
      }
    }
    return undefined;
  } catch (error) {
    return `cannot be looked at (${(error as NodeJS.ErrnoException).code})`;
  }
}

/** A project folder may come from anyone: of its settings those hold that choose nothing of what the product trusts. */
export function projectSettings(
  values: Partial<Record<SettingKey, SettingValue>>,
  file: string,
  warnings: string[],
): Partial<Record<SettingKey, SettingValue>> {
  const allowed: Partial<Record<SettingKey, SettingValue>> = {};
  for (const [key, value] of Object.entries(values) as [SettingKey, SettingValue][]) {
    if (maySet('project', key)) allowed[key] = value;
    else warnings.push(`${file}: ${key} can only be set in the user configuration or the environment. It is ignored.`);
  }
  return allowed;
}
