import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { displaySetting, SETTINGS, type SettingKey, specOf, WITHOUT_EFFECT } from '../../ts/config/index.ts';
import { ERROR_CODES } from '../../ts/errors/index.ts';
import { checksumsManifest, platformManifests } from '../release/manifests.ts';
import { scriptWithKeys } from '../release/trust.ts';
import { RELEASE_KEYS } from '../release-keys.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The documents that are made from the code, by their path. */
export function generatedDocuments(): Record<string, string> {
  const packages = [...platformManifests(), ['checksums', checksumsManifest()] as const];
  const manifests = packages.map(([folder, manifest]): [string, string] => [
    `npm/${folder}/package.json`,
    `${JSON.stringify(manifest, null, 2)}\n`,
  ]);
  // Only their line with the keys is made.
  const installers = ['install.sh', 'install.ps1'].map((name): [string, string] => [
    name,
    scriptWithKeys(name, readFileSync(join(ROOT, name), 'utf8'), RELEASE_KEYS),
  ]);
  return {
    'docs/settings.md': settingsDocument(),
    'docs/errors.md': errorsDocument(),
    ...Object.fromEntries([...manifests, ...installers]),
  };
}

const NOTE = '<!-- Made by `npm run gen` from the code; changes here are lost. -->';

function settingsDocument(): string {
  const keys = Object.keys(SETTINGS) as SettingKey[];
  const rows = keys.map((key) => {
    const spec = specOf(key);
    const value = displaySetting(key, Array.isArray(spec.default) ? [...spec.default] : (spec.default as string));
    const shown = Array.isArray(value) ? value.join(', ') : String(value);
    return [
      spec.file === false ? '' : code(key),
      spec.env.map(code).join(', '),
      shown === '' ? '' : code(shown),
      spec.alsoSetBy?.join(', ') ?? '',
      spec.doc,
    ];
  });
  return document('Settings', [
    'A flag wins over an environment variable, that over the project’s `.omg/config.toml`, that over the user’s `config.toml` in the home',
    'folder (`omg config path`), that over the default. `omg config` shows what is in force and where it comes from. Of several variables',
    'the first that is set counts; those of other programs are honoured where they mean the same.',
    '',
    'Settings are the owner’s: `omg config set`, the environment, `PATCH /ohmygpu/v1/config` over the socket of the home folder. Where the table',
    'says so, others may set one as well: `manage` is that `PATCH` over TCP, `project` a project’s `.omg/config.toml`.',
    '',
    ...table(['Key in config.toml', 'Environment', 'Default', 'Also set by', 'Meaning'], rows),
    '',
    'These variables of other programs are known and have no effect; `omg doctor` and `omg config` say so where they are set.',
    '',
    ...table(
      ['Variable', 'Why'],
      Object.entries(WITHOUT_EFFECT).map(([name, why]) => [code(name), why]),
    ),
  ]);
}

function errorsDocument(): string {
  const codes = Object.entries(ERROR_CODES);
  const exits = [...new Set(codes.map(([, { exit }]) => exit))].sort((a, b) => a - b);
  const exitRows = exits.map((exit) => [
    String(exit),
    codes
      .filter(([, entry]) => entry.exit === exit)
      .map(([name]) => code(name))
      .join(', '),
  ]);
  const codeRows = codes.map(([name, { status, exit, summary }]) => [
    code(name),
    String(status),
    String(exit),
    summary,
  ]);
  return document('Errors and exit codes', [
    'Every error has a code that programs can rely on, a message that says what happened, and often a hint that says what to do. Each HTTP',
    'dialect puts it into the envelope that its clients know. `--json` prints it as `{"error":{"code","message","hint"}}`.',
    '',
    '## Exit codes of `omg`',
    '',
    ...table(['Exit', 'Codes'], [['0', 'success'], ...exitRows]),
    '',
    '## Codes',
    '',
    ...table(['Code', 'HTTP', 'Exit', 'Meaning'], codeRows),
  ]);
}

function document(title: string, lines: string[]): string {
  return [`# ${title}`, '', NOTE, '', ...lines, ''].join('\n');
}

function table(titles: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)];
}

function code(text: string): string {
  return `\`${text}\``;
}
