import type { Cli } from 'clipanion';
import { CATEGORY, type CliContext } from './command.ts';
import type { Style } from './terminal/style.ts';
import { formatPairs } from './terminal/table.ts';

/** The overview that `omg --help` prints: every command in one line. `omg COMMAND --help` has the rest. */
export function overview(cli: Cli<CliContext>, style: Style): string {
  const definitions = cli.definitions().filter(({ description }) => description !== undefined);
  const sections = Object.values(CATEGORY).map((category) => {
    const pairs = definitions
      .filter((definition) => definition.category?.trim() === category)
      .map(({ path, description = '' }): [string, string] => [path, description.trim()]);
    return [style.bold(category), ...formatPairs(pairs)].join('\n');
  });
  return [
    `${style.bold('omg')} runs language models on this machine and serves them to any Ollama, OpenAI or Anthropic client.`,
    ...sections,
    `\`omg COMMAND --help\` tells more. \`omg model …\` has the commands of models as well. \`--json\` prints data for programs.\n`,
  ].join('\n\n');
}
