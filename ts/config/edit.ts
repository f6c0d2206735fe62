import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomically } from './atomic-file.ts';
import { parseSettingsText } from './load.ts';
import { displaySetting, parseSetting, unknownKey } from './setting-values.ts';
import { isSettingKey, type SettingKey, specOf } from './settings.ts';

/**
 * Sets keys in a TOML file, or takes them out where the value is null. Comments and the order of other lines stay. All
 * values are checked before anything is written. Throws `invalid_config`.
 */
export function writeSettings(file: string, changes: Record<string, unknown>): Promise<void> {
  const written = last.then(() => writeChanges(file, changes));
  last = written.catch(() => {});
  return written;
}

/** Changes come one after another: each reads what the one before it has written. */
let last: Promise<unknown> = Promise.resolve();

async function writeChanges(file: string, changes: Record<string, unknown>): Promise<void> {
  let text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  for (const [key, value] of Object.entries(changes)) {
    if (!isSettingKey(key) || specOf(key).file === false) throw unknownKey(key, 'config');
    text = editKey(text, key, value === null || value === undefined ? undefined : tomlValue(key, value));
  }
  await parseSettingsText(text, file);
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomically(file, text, { mode: 0o600 });
}

function tomlValue(key: SettingKey, value: unknown): string {
  const parsed = parseSetting(key, value, key);
  const plain = specOf(key).kind === 'secret' ? parsed : displaySetting(key, parsed);
  // Strings and lists of strings have the same form in JSON and TOML, but for DEL.
  return JSON.stringify(plain).replaceAll('\u007f', '\\u007f');
}

function editKey(text: string, key: string, value: string | undefined): string {
  const dot = key.lastIndexOf('.');
  const section = key.slice(0, Math.max(0, dot));
  const name = key.slice(dot + 1);
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  let current = '';
  let sectionEnd = section === '' ? 0 : -1;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const header = /^\s*\[([^[\]]+)\]/.exec(line)?.[1];
    if (header !== undefined) current = header.trim();
    if (current === section && line.trim() !== '') sectionEnd = index + 1;
    const left = /^\s*([\w.-]+)\s*=/.exec(line)?.[1];
    if (left === undefined || (current === '' ? left : `${current}.${left}`) !== key) continue;
    const end = valueEnd(lines, index);
    const comment = /\s+#[^"']*$/.exec(lines[end] ?? '')?.[0] ?? '';
    lines.splice(index, end - index + 1, ...(value === undefined ? [] : [`${left} = ${value}${comment}`]));
    if (value === undefined) dropEmptyTable(lines, index - 1);
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }
  if (value === undefined) return text;
  if (sectionEnd >= 0) lines.splice(sectionEnd, 0, `${name} = ${value}`);
  else lines.push(...(lines.length > 0 ? [''] : []), `[${section}]`, `${name} = ${value}`);
  return `${lines.join('\n')}\n`;
}

/** Takes out the header of a table that has lost its last key, above the line `at`; one with a comment has something to say still. */
function dropEmptyTable(lines: string[], at: number): void {
  const isBlank = (index: number) => lines[index]?.trim() === '';
  let first = at;
  while (isBlank(first)) first -= 1;
  let next = at + 1;
  while (isBlank(next)) next += 1;
  const isHeader = /^\s*\[[^[\]]+\]\s*$/.test(lines[first] ?? '');
  const isEmpty = next >= lines.length || /^\s*\[/.test(lines[next] ?? '');
  if (!isHeader || !isEmpty) return;
  // What set the table apart from the one before goes with it.
  while (isBlank(first - 1)) first -= 1;
  const goesOn = next < lines.length && first > 0;
  lines.splice(first, next - first, ...(goesOn ? [''] : []));
}

/** The last line of a value that may be a list over several lines. */
function valueEnd(lines: string[], start: number): number {
  let depth = 0;
  for (let index = start; index < lines.length; index++) {
    const bare = (lines[index] ?? '').replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, '').replace(/#.*$/, '');
    depth += (bare.match(/\[/g)?.length ?? 0) - (bare.match(/\]/g)?.length ?? 0);
    if (depth <= 0) return index;
  }
  return start;
}
