import { OmgError } from '../../errors/index.ts';
import { Printer, type Stream } from '../printer.ts';
import { formatPairs } from '../terminal/table.ts';
import { widthOf } from '../terminal/text.ts';
import { version } from '../version.ts';
import { MODEL_COMMAND_PAIRS, MODEL_COMMANDS, modelCommand } from './model-commands.ts';

const ABOUT: Record<string, string> = {
  model: 'Run language models with omg',
  omg: 'Every command of omg',
};

/** Options of docker itself that may stand before the plugin's name and take a value. */
const TAKES_VALUE = new Set([
  ...['--config', '-c', '--context', '-H', '--host', '-l', '--log-level', '--tlscacert', '--tlscert', '--tlskey'],
]);

/** The words of docker's completion that stand before a line to complete. */
const COMPLETE = new Set(['__complete', '__completeNoDesc']);
/** Its answer ends with this: no file names. */
const NO_FILES = ':4\n';

type Streams = Record<'stdout' | 'stderr', Stream>;
type RunCli = (args: string[]) => Promise<number>;

/**
 * Answers docker's command line as its plugin: what the plugin is, or a command, which docker gives with its own options in front and the
 * plugin's name first. Resolves to the exit code.
 */
export async function answerDocker(
  [plugin = '', ...words]: readonly string[],
  streams: Streams,
  runCli: RunCli,
): Promise<number> {
  const { stdout } = streams;
  if (words[0] === 'docker-cli-plugin-metadata') {
    stdout.write(`${JSON.stringify(metadata(plugin))}\n`);
    return 0;
  }
  const line = ownLine(words);
  if (line === undefined) {
    return fail(new OmgError('invalid_request', `This is a plugin of docker: say \`docker ${plugin}\`.`), streams);
  }
  const { before, rest } = line;
  if (COMPLETE.has(before ?? '')) return complete(plugin, rest, stdout, runCli);
  const args = before === 'help' ? [...rest, '--help'] : rest;
  if (plugin !== 'model') return runCli(args);
  const [first = '--help'] = args;
  if (first === '--help' || first === '-h' || first === 'help') {
    stdout.write(modelHelp(widthOf(stdout)));
    return 0;
  }
  let own: string[];
  try {
    own = modelCommand(args);
  } catch (error) {
    return fail(error, streams);
  }
  return runCli(own);
}

function fail(error: unknown, { stdout, stderr }: Streams): number {
  const printer = new Printer({ stdout, stderr });
  const exitCode = printer.fail(error);
  printer.finish();
  return exitCode;
}

function metadata(plugin: string): object {
  return {
    SchemaVersion: '0.1.0',
    Vendor: 'ohmygpu',
    Version: version(),
    ShortDescription: ABOUT[plugin] ?? '',
    URL: 'https://github.com/ohmygpu/ohmygpu',
  };
}

/** What follows the plugin's name, and docker's own command before it, such as `help`. */
function ownLine(words: readonly string[]): { before: string | undefined; rest: string[] } | undefined {
  let before: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (TAKES_VALUE.has(word)) at += 1;
    else if (word === 'help' || COMPLETE.has(word)) before ??= word;
    else if (!word.startsWith('-')) return { before, rest: words.slice(at + 1) };
  }
  return undefined;
}

async function complete(plugin: string, words: string[], stdout: Stream, runCli: RunCli): Promise<number> {
  const isFirst = plugin === 'model' && words.length <= 1;
  if (isFirst) {
    const [typed = ''] = words;
    for (const name of MODEL_COMMANDS.filter((name) => name.startsWith(typed))) stdout.write(`${name}\n`);
  } else await runCli(['completion', 'words', '--', ...(plugin === 'model' ? ['model', ...words] : words)]);
  stdout.write(NO_FILES);
  return 0;
}

function modelHelp(width: number): string {
  return [
    'docker model runs language models on this machine, with omg.',
    '',
    ...formatPairs(MODEL_COMMAND_PAIRS, { width }),
    '',
    '`docker model COMMAND --help` tells more.',
    '',
  ].join('\n');
}
