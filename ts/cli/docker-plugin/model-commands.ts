import { OmgError } from '../../errors/index.ts';

/** A command of `docker model` in our words. */
interface Meaning {
  /** What it is here, as `omg` would be given it. */
  words: readonly string[];
  about: string;
  /** Options with another name here. */
  renamed?: Readonly<Record<string, string>>;
  /** Options that ask for what is so anyway. */
  needless?: readonly string[];
  /** The same, with a value. */
  needlessWithValue?: readonly string[];
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  run: {
    words: ['run'],
    about: 'Ask a model a question, or chat with it',
    renamed: { '--debug': '--verbose' },
    needlessWithValue: ['--color'],
  },
  pull: { words: ['pull'], about: 'Download a model', needless: ['--ignore-runtime-memory-check'] },
  list: { words: ['list'], about: 'List the installed models' },
  ls: { words: ['list'], about: 'The same as list' },
  show: { words: ['show'], about: 'Show the details of a model' },
  inspect: { words: ['show', '--json'], about: 'Show the details of a model as JSON' },
  ps: { words: ['ps'], about: 'List the loaded models' },
  unload: { words: ['stop'], about: 'Take models out of memory', needlessWithValue: ['--backend'] },
  configure: { words: ['configure'], about: 'Set how a model is loaded' },
  tag: { words: ['cp'], about: 'Give a model another name' },
  rm: { words: ['rm'], about: 'Remove models', needless: ['-f', '--force'] },
  search: { words: ['search'], about: 'Search the catalog and Hugging Face', renamed: { '-n': '--limit' } },
  df: { words: ['df'], about: 'Show the disk space that models take' },
  launch: { words: ['launch'], about: 'Start a coding tool on a local model' },
  push: { words: ['push'], about: 'Not available: omg does not upload models' },
  logs: { words: ['logs'], about: 'Show the log', needless: ['--no-engines'] },
  status: { words: ['status'], about: 'Show whether the daemon runs' },
  'start-runner': {
    words: ['serve', '-d'],
    about: 'Start the daemon',
    needless: ['--do-not-track'],
    needlessWithValue: ['--backend'],
  },
  'stop-runner': { words: ['serve', 'stop'], about: 'Stop the daemon' },
  version: { words: ['version'], about: 'Print the version of omg' },
};

/** Commands without a counterpart, and what to do in their place. */
const WITHOUT: Readonly<Record<string, string>> = {
  bench: 'Say `omg run MODEL PROMPT --verbose` for the speed of an answer.',
  compose: 'Give the services the address of the daemon, as compose.yaml of omg does.',
  context: 'OMG_HOST and OMG_PORT name a daemon on another machine.',
  gateway: 'The daemon itself speaks the APIs: `omg serve -d`.',
  'install-runner': 'The engine is part of omg: `docker model start-runner` starts the daemon.',
  package: 'Say `omg import FILE --name NAME`, or `omg create` for a model of your own.',
  purge: 'Name what is to go: `docker model rm MODEL…`; `omg gc` deletes what nothing refers to.',
  'reinstall-runner': 'The engine is part of omg: `omg update` brings a new one.',
  requests: 'Requests are not recorded; `docker model logs -f` shows that they come.',
  'restart-runner': 'Say `docker model stop-runner` and then `docker model start-runner`.',
  skills: '`docker model launch` starts coding tools on a local model.',
  'uninstall-runner': '`omg docker-plugin uninstall` takes `docker model` away.',
};

export const MODEL_COMMANDS = Object.keys(MEANINGS);

/** The commands of `docker model` with what each does, for its help. */
export const MODEL_COMMAND_PAIRS = Object.entries(MEANINGS).map(([name, { about }]): [string, string] => [name, about]);

/** What `docker model …` is as a command line of `omg`. Throws `unsupported` for a command that has no counterpart. */
export function modelCommand([name = '', ...rest]: readonly string[]): string[] {
  const instead = Object.hasOwn(WITHOUT, name) ? WITHOUT[name] : undefined;
  if (instead !== undefined) {
    throw new OmgError('unsupported', `omg has no \`docker model ${name}\`.`, { hint: instead });
  }
  const meaning = Object.hasOwn(MEANINGS, name) ? MEANINGS[name] : undefined;
  if (name === 'configure' && rest[0] === 'show') return ['configure', ...rest.slice(1)];
  // One of our own, or a word that gets an answer as any other.
  if (meaning === undefined) return ['model', name, ...rest];
  return [...meaning.words, ...translated(rest, meaning)];
}

function translated(
  words: readonly string[],
  { renamed = {}, needless = [], needlessWithValue = [] }: Meaning,
): string[] {
  const own: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') return [...own, ...words.slice(at)];
    const [name = '', ...value] = word.split('=');
    if (needless.includes(name)) continue;
    if (needlessWithValue.includes(name)) {
      if (value.length === 0) at += 1;
      continue;
    }
    const other = Object.hasOwn(renamed, name) ? renamed[name] : undefined;
    own.push(other === undefined ? word : [other, ...value].join('='));
  }
  return own;
}
