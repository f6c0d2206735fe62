import type { CommandClass } from 'clipanion';
import { CATEGORY, type CliContext } from '../command.ts';
import type { Style } from '../terminal/style.ts';
import { formatPairs } from '../terminal/table.ts';
import { wrapRows } from '../terminal/text.ts';
import { type OptionSpec, type Signature, signatureOf, usageLine } from './signature.ts';

/** How help is written: colours, and the cells of a line. */
export interface Page {
  style: Style;
  width: number;
}

/** What a group of commands is for. Its members name themselves. */
const GROUPS: Record<string, string> = {
  serve: 'Run the daemon, look at it, stop it',
  service: 'Start the daemon by itself',
  keys: 'Make and revoke API keys',
  config: 'Show and change the settings',
  'docker-plugin': 'Commands of docker that lead here',
  backend: 'Engines for other hardware',
};

/** The overview that `omg --help` prints: every command in one line. `omg COMMAND --help` has the rest. */
export function overview(commands: CommandClass<CliContext>[], { style, width }: Page): string {
  const shown = commands.map(signatureOf).filter(({ usage }) => usage?.description !== undefined);
  const sections = Object.values(CATEGORY).map((category) => {
    const here = shown.filter(({ usage }) => usage?.category === category);
    const pairs = [...Map.groupBy(here, ({ paths }) => firstWord(paths[0]))].map(
      ([word, members]): [string, string] => [word, lineOf(word, members)],
    );
    return [style.bold(category), ...formatPairs(pairs, { width })].join('\n');
  });
  const about = 'omg runs language models on this machine and serves them to any Ollama, OpenAI or Anthropic client.';
  const more =
    '`omg COMMAND --help` tells more. `omg model …` has the commands of models as well. `--json` prints data for programs.';
  return `${[...wrapRows(about, width), '', sections.join('\n\n'), '', ...wrapRows(more, width)].join('\n')}\n`;
}

/** One command is its description, several are what the group is for and their names. */
function lineOf(word: string, members: Signature[]): string {
  const names = members
    .map(({ paths }) => pathIn(word, paths).split(' ').slice(1).join(' '))
    .filter((name) => name !== '');
  const about = GROUPS[word];
  if (about === undefined || names.length === 0) return members[0]?.usage?.description ?? '';
  return `${about}: ${[...new Set(names)].join(', ')}`;
}

/** What a command does, takes and is called, and the commands that go on from its words. */
export function commandHelp(
  commands: CommandClass<CliContext>[],
  { path, members }: { path: string; members: CommandClass<CliContext>[] },
  page: Page,
): string {
  const { style, width } = page;
  const own = commands.map(signatureOf).find(({ paths }) => paths.includes(path));
  const others = members.map(signatureOf).filter(({ usage }) => usage !== undefined);
  const pairs = others.map((signature): [string, string] => [
    usageLine({ ...signature, paths: [pathIn(path, signature.paths)] }),
    signature.usage?.description ?? '',
  ]);
  const list = pairs.length === 0 ? [] : ['', style.bold('Commands'), ...formatPairs(pairs, { width })];
  if (own === undefined) return `${list.slice(1).join('\n')}\n`;
  const { description = '', details, examples = [] } = own.usage ?? {};
  const also = own.paths.filter((name) => !name.startsWith('model ') && !name.startsWith(path));
  return `${[
    ...wrapRows(description, width),
    '',
    `${style.bold('Usage:')} ${usageLine({ ...own, paths: [path] })} [OPTIONS]`,
    ...(also.length === 0 ? [] : [`${style.bold('Also:')} ${also.map((name) => `omg ${name}`).join(', ')}`]),
    ...list,
    '',
    style.bold('Options'),
    ...formatPairs(own.options.map(optionPair), { width }),
    ...(details === undefined ? [] : ['', ...wrapRows(details, width)]),
    ...(examples.length === 0 ? [] : ['', style.bold('Examples')]),
    ...examples.flatMap(([label, line]) => [
      ...wrapRows(label, width - 2).map((row) => `  ${row}`),
      ...wrapRows(`$ ${line.replaceAll('$0', 'omg')}`, width - 4).map((row) => `    ${row}`),
    ]),
  ].join('\n')}\n`;
}

/** Such as `-n, --lines N (100)`. */
function optionPair({ names, value, initial, description }: OptionSpec): [string, string] {
  const words = [names.join(', '), value, initial === undefined ? undefined : `(${initial})`];
  return [words.filter((word) => word !== undefined).join(' '), description];
}

function pathIn(group: string, paths: string[]): string {
  return paths.find((path) => path.startsWith(`${group} `)) ?? paths[0] ?? '';
}

function firstWord(path = ''): string {
  return path.split(' ')[0] ?? '';
}
