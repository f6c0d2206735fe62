import { Client } from '../../client/index.ts';
import { type Config, SETTINGS, type SettingKey, specOf } from '../../config/index.ts';
import { CHAT_SETTINGS } from '../chat/settings.ts';
import type { CommandTable } from '../command.ts';
import { TOOL_NAMES } from '../launch/tools.ts';
import { signatureOf } from '../usage/signature.ts';
import { COMPLETION_SCRIPTS } from './scripts.ts';

/** Commands whose arguments are installed models. */
const TAKES_MODELS = new Set([
  ...['run', 'chat', 'show', 'info', 'inspect', 'stop', 'rm', 'remove', 'cp', 'tag', 'push', 'configure'],
]);
const TAKES_SETTING = new Set(['get', 'set', 'unset']);
const TAKES_SHELL = 'completion';
const TAKES_TOOL = 'launch';

/** The words that may stand in place of the last of `words` (what follows `omg`), which may be empty. */
export async function candidates(words: readonly string[], config: Config, commands: CommandTable): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const given = words.slice(0, -1);
  const found = current.startsWith('-')
    ? await optionsOf(given, commands)
    : [...commands.nextWords(given), ...(await argumentsOf(given, current, config, commands))];
  return [...new Set(found)].filter((word) => word.startsWith(current)).sort();
}

async function optionsOf(given: readonly string[], commands: CommandTable): Promise<string[]> {
  if (given.length === 0) return ['--help', '--version'];
  return (await signatureFor(given, commands))?.options.flatMap(({ names }) => names) ?? [];
}

/** What the command takes that `given` begins with. */
async function signatureFor(given: readonly string[], { matchedPath, commandsFor }: CommandTable) {
  const path = matchedPath(given).join(' ');
  return (await commandsFor(given)).map(signatureOf).find(({ paths }) => paths.includes(path));
}

async function argumentsOf(
  given: readonly string[],
  current: string,
  config: Config,
  commands: CommandTable,
): Promise<string[]> {
  const words = given.filter((word) => !word.startsWith('-'));
  if (words[0] === 'help') return commands.nextWords(words.slice(1));
  const before = given.at(-1) ?? '';
  if (before.startsWith('-') && before !== '--') {
    const known = await valuesOf(given, before, commands);
    if (known !== undefined) return known;
  }
  const [command, argument] =
    words[0] === 'model' ? [words[1] ?? '', words.slice(2)] : [words[0] ?? '', words.slice(1)];
  if (command === 'config' && TAKES_SETTING.has(argument[0] ?? '') && argument.length === 1) {
    return (Object.keys(SETTINGS) as SettingKey[]).filter((key) => specOf(key).file !== false);
  }
  if (command === TAKES_SHELL && argument.length === 0) return Object.keys(COMPLETION_SCRIPTS);
  if (command === TAKES_TOOL && argument.length === 0) return [...TOOL_NAMES];
  if (command === TAKES_TOOL && ['-m', '--model'].includes(before)) return modelNames(current, config);
  if (command === 'keys' && argument.join(' ') === 'revoke') return keyNames(config);
  return TAKES_MODELS.has(command) ? modelNames(current, config) : [];
}

/** What may stand behind an option: nothing is known of most values; undefined where the option takes none. */
async function valuesOf(
  given: readonly string[],
  option: string,
  commands: CommandTable,
): Promise<string[] | undefined> {
  const found = (await signatureFor(given, commands))?.options.find(({ names }) => names.includes(option));
  if (found?.value === undefined || found.value === 'MODEL') return undefined;
  if (option === '--set') return Object.keys(CHAT_SETTINGS).map((name) => `${name}=`);
  if (option === '--think') return ['on', 'off', 'low', 'medium', 'high', 'max'];
  return [];
}

async function keyNames({ paths }: Config): Promise<string[]> {
  try {
    // Loaded for this question only: every press of Tab starts this program.
    const { KeyFile } = await import('../../keys/index.ts');
    return new KeyFile(paths.keysFile).read().map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Without a daemon there are none: a press of Tab starts nothing. The usual tag is completed where one is being typed. */
async function modelNames(current: string, config: Config): Promise<string[]> {
  try {
    return (await Client.of(config).list()).map(({ name }) =>
      current.includes(':') ? name : name.replace(/:latest$/, ''),
    );
  } catch {
    return [];
  }
}
