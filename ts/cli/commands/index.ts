import { Command, type CommandClass } from 'clipanion';
import type { CliContext } from '../command.ts';

/** A file of commands; what else it exports is of no interest here. */
type Module = Record<string, unknown>;

/**
 * The commands by the words that name them. A file is loaded when the command line begins with one of its words, so that each
 * command costs its own imports only; the help loads them all.
 */
export const COMMANDS: readonly {
  paths: readonly string[];
  load: () => Promise<Module>;
  /** For programs: neither completed nor suggested. */
  isInner?: boolean;
}[] = [
  { paths: ['run', 'model run', 'chat'], load: () => import('./run.ts') },
  { paths: ['launch'], load: () => import('./launch.ts') },
  { paths: ['pull', 'model pull'], load: () => import('./pull.ts') },
  { paths: ['list', 'ls', 'models', 'model list', 'model ls'], load: () => import('./list.ts') },
  { paths: ['show', 'info', 'inspect', 'model show', 'model info', 'model inspect'], load: () => import('./show.ts') },
  { paths: ['ps', 'model ps'], load: () => import('./ps.ts') },
  { paths: ['stop', 'model stop'], load: () => import('./stop.ts') },
  { paths: ['rm', 'remove', 'model rm', 'model remove'], load: () => import('./rm.ts') },
  { paths: ['cp', 'tag', 'model cp', 'model tag'], load: () => import('./cp.ts') },
  { paths: ['create', 'model create'], load: () => import('./create.ts') },
  { paths: ['import', 'model import'], load: () => import('./import.ts') },
  { paths: ['search', 'model search'], load: () => import('./search.ts') },
  { paths: ['alias', 'alias list', 'alias set', 'alias rm'], load: () => import('./alias.ts') },
  { paths: ['gc', 'model gc'], load: () => import('./gc.ts') },
  { paths: ['df', 'model df'], load: () => import('./df.ts') },
  { paths: ['configure', 'model configure'], load: () => import('./configure.ts') },
  { paths: ['push', 'model push'], load: () => import('./push.ts') },
  { paths: ['serve'], load: () => import('./serve.ts') },
  { paths: ['serve status', 'status'], load: () => import('./serve-status.ts') },
  { paths: ['serve stop'], load: () => import('./serve-stop.ts') },
  { paths: ['logs', 'serve logs'], load: () => import('./logs.ts') },
  { paths: ['mcp'], load: () => import('./mcp.ts') },
  { paths: ['keys', 'keys create', 'keys list', 'keys revoke', 'keys open'], load: () => import('./keys.ts') },
  {
    paths: ['config', 'config list', 'config get', 'config set', 'config unset', 'config path'],
    load: () => import('./config.ts'),
  },
  { paths: ['service', 'service install', 'service uninstall', 'service status'], load: () => import('./service.ts') },
  { paths: ['backend', 'backend list', 'backend install', 'backend rm'], load: () => import('./backend.ts') },
  {
    paths: ['docker-plugin install', 'docker-plugin uninstall'],
    load: () => import('./docker-plugin.ts'),
  },
  { paths: ['update'], load: () => import('./update.ts') },
  { paths: ['doctor'], load: () => import('./doctor.ts') },
  { paths: ['completion'], load: () => import('./completion.ts') },
  { paths: ['completion words'], load: () => import('./completion-words.ts'), isInner: true },
  { paths: ['version'], load: () => import('./version.ts') },
];

/** The words that may follow `given`, such as `status` and `stop` after `serve`. */
export function nextWords(given: readonly string[]): string[] {
  const words = COMMANDS.filter(({ isInner }) => isInner !== true)
    .flatMap(({ paths }) => paths)
    .map((path) => path.split(' '))
    .filter((path) => path.length > given.length && given.every((word, index) => path[index] === word))
    .map((path) => path[given.length] ?? '');
  return [...new Set(words)];
}

/** The words of a command line that name its command: the longest path it begins with. */
export function matchedPath(args: readonly string[]): string[] {
  return args.slice(0, Math.max(0, ...COMMANDS.flatMap(({ paths }) => paths.map((path) => matchLength(path, args)))));
}

/** The command classes that a command line may mean: those whose path is its longest beginning. */
export async function commandsFor(args: readonly string[]): Promise<CommandClass<CliContext>[]> {
  const { length } = matchedPath(args);
  const matching = COMMANDS.filter(
    ({ paths }) => length > 0 && paths.some((path) => matchLength(path, args) === length),
  );
  return classesOf(matching);
}

/** The command classes whose words go on from `path`. */
export async function groupMembers(path: readonly string[]): Promise<CommandClass<CliContext>[]> {
  const isMember = (name: string) => name.startsWith(`${path.join(' ')} `);
  const classes = await classesOf(COMMANDS.filter(({ paths }) => paths.some(isMember)));
  return classes.filter(({ paths = [] }) => paths.some((words) => isMember(words.join(' '))));
}

export async function allCommands(): Promise<CommandClass<CliContext>[]> {
  return classesOf(COMMANDS);
}

function matchLength(path: string, args: readonly string[]): number {
  const words = path.split(' ');
  return words.every((word, index) => args[index] === word) ? words.length : 0;
}

async function classesOf(commands: typeof COMMANDS): Promise<CommandClass<CliContext>[]> {
  const modules = await Promise.all(commands.map(({ load }) => load()));
  return modules.flatMap((module) => Object.values(module).filter(isCommand));
}

function isCommand(value: unknown): value is CommandClass<CliContext> {
  return typeof value === 'function' && value.prototype instanceof Command;
}
