import { Builtins, Cli, type CommandClass } from 'clipanion';
import { OmgError } from '../errors/index.ts';
import type { CliContext } from './command.ts';
import { allCommands, commandsFor, nextWords, optionNames } from './commands/index.ts';
import { overview } from './help.ts';
import { Printer } from './printer.ts';
import type { Terminal } from './session.ts';
import { didYouMean } from './suggest.ts';
import { styleOf } from './terminal/style.ts';
import { version } from './version.ts';

/** Runs one command line and resolves to its exit code. */
export async function runCli(args: string[], terminal: Terminal = process): Promise<number> {
  // A reader that has seen enough (`omg list | head`) is no error.
  terminal.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const context = { terminal, stdin: process.stdin, stdout: terminal.stdout, stderr: terminal.stderr };
  const isColoured = terminal.stdout.isTTY === true && terminal.stdout.hasColors?.() === true;
  const wantsHelp = args.length === 0 || ['help', '--help', '-h'].includes(args[args[0] === 'model' ? 1 : 0] ?? '');
  if (wantsHelp) {
    terminal.stdout.write(overview(cliOf(await allCommands(), isColoured), styleOf(isColoured)));
    return 0;
  }
  try {
    const cli = cliOf(await knownCommands(args), isColoured);
    return await cli.run(parse(cli, args, context), context);
  } catch (error) {
    const printer = new Printer(terminal);
    const exitCode = printer.fail(error);
    printer.finish();
    return exitCode;
  }
}

function cliOf(commands: CommandClass<CliContext>[], enableColors: boolean): Cli<CliContext> {
  const cli = new Cli<CliContext>({
    binaryLabel: 'ohmygpu',
    binaryName: 'omg',
    binaryVersion: version(),
    enableColors,
  });
  for (const command of commands) cli.register(command);
  cli.register(Builtins.VersionCommand);
  return cli;
}

async function knownCommands(args: string[]): Promise<CommandClass<CliContext>[]> {
  const commands = await commandsFor(args);
  if (commands.length > 0) return commands;
  const [first = '', second = ''] = args;
  const group = nextWords([first]).length > 0 ? [first] : [];
  const word = group.length > 0 ? second : first;
  if (word === '' || word.startsWith('-')) {
    const words = nextWords(group);
    throw new OmgError(
      'invalid_request',
      word === '' ? `omg ${first} needs a command: ${words.join(', ')}.` : `Unknown option ${word}.`,
      {
        hint: '`omg --help` lists the commands.',
      },
    );
  }
  const near = didYouMean(word, nextWords(group));
  throw new OmgError('invalid_request', `There is no command \`omg ${[...group, word].join(' ')}\`.`, {
    hint:
      near === undefined ? '`omg --help` lists the commands.' : `Did you mean \`omg ${[...group, near].join(' ')}\`?`,
  });
}

/** Reads the arguments; what does not fit becomes an `invalid_request` that names it and the usage. */
function parse(cli: Cli<CliContext>, args: string[], context: CliContextInput) {
  try {
    return cli.process(args, context);
  } catch (error) {
    const definitions = cli.definitions();
    const matching = definitions.find(({ path }) =>
      path
        .split(' ')
        .slice(1)
        .every((word, index) => args[index] === word),
    );
    const known = definitions.flatMap(({ options }) => options.flatMap(optionNames));
    const unknown = args.find((arg) => /^--?[a-z]/i.test(arg) && !known.includes(arg.split('=')[0] ?? ''));
    const near = unknown === undefined ? undefined : didYouMean(unknown, known);
    const message = unknown === undefined ? 'The arguments do not fit the command.' : `Unknown option ${unknown}.`;
    const hint = near === undefined ? `Usage: ${matching?.usage ?? 'omg --help'}` : `Did you mean ${near}?`;
    throw new OmgError('invalid_request', message, { hint, cause: error });
  }
}

type CliContextInput = Parameters<Cli<CliContext>['process']>[1];
