import { Cli } from 'clipanion';
import { Client } from '../../client/index.ts';
import { type Config, SETTINGS, type SettingKey, specOf } from '../../config/index.ts';
import type { CliContext } from '../command.ts';
import { commandsFor, nextWords, optionNames } from '../commands/index.ts';
import { TOOL_NAMES } from '../launch/tools.ts';

/** Commands whose arguments are installed models. */
const TAKES_MODELS = new Set(['run', 'chat', 'show', 'info', 'stop', 'rm', 'remove', 'cp']);
const TAKES_SETTING = new Set(['get', 'set']);
const TAKES_SHELL = 'completion';
const TAKES_TOOL = 'launch';

/** The words that may stand in place of the last of `words` (what follows `omg`), which may be empty. */
export async function candidates(words: readonly string[], config: Config): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const given = words.slice(0, -1);
  const found = current.startsWith('-')
    ? await optionsOf(given)
    : [...nextWords(given), ...(await argumentsOf(given, current, config))];
  return [...new Set(found)].filter((word) => word.startsWith(current)).sort();
}

async function optionsOf(given: readonly string[]): Promise<string[]> {
  const cli = Cli.from<CliContext>(await commandsFor(given), { binaryName: 'omg' });
  const path = given.filter((word) => !word.startsWith('-'));
  const definitions = cli.definitions().filter((definition) => {
    const own = definition.path.split(' ').slice(1);
    return own.every((word, index) => path[index] === word);
  });
  return ['--help', ...definitions.flatMap(({ options }) => options.flatMap(optionNames))];
}

async function argumentsOf(given: readonly string[], current: string, config: Config): Promise<string[]> {
  const words = given.filter((word) => !word.startsWith('-'));
  const [command, argument] =
    words[0] === 'model' ? [words[1] ?? '', words.slice(2)] : [words[0] ?? '', words.slice(1)];
  if (command === 'config' && TAKES_SETTING.has(argument[0] ?? '') && argument.length === 1) {
    return (Object.keys(SETTINGS) as SettingKey[]).filter((key) => specOf(key).file !== false);
  }
  if (command === TAKES_SHELL && argument.length === 0) return ['bash', 'zsh', 'fish'];
  if (command === TAKES_TOOL && argument.length === 0) return [...TOOL_NAMES];
  if (command === TAKES_TOOL && ['-m', '--model'].includes(given.at(-1) ?? '')) return modelNames(current, config);
  if (command === 'keys' && argument.join(' ') === 'revoke') return keyNames(config);
  return TAKES_MODELS.has(command) ? modelNames(current, config) : [];
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
