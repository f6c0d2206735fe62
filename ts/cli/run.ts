import { Cli, type CommandClass } from 'clipanion';
import { OmgError } from '../errors/index.ts';
import type { CliContext } from './command.ts';
import { allCommands, commandsFor, groupMembers, matchedPath, nextWords } from './commands/index.ts';
import { commandMeant } from './commands/synonyms.ts';
import { Printer } from './printer.ts';
import type { Terminal } from './session.ts';
import { didYouMean } from './suggest.ts';
import { styleOf } from './terminal/style.ts';
import { widthOf } from './terminal/text.ts';
import { explainArguments, memberHint } from './usage/explain-arguments.ts';
import { commandHelp, overview, type Page } from './usage/help.ts';
import { signatureOf } from './usage/signature.ts';

/** Runs one command line and resolves to its exit code. */
export async function runCli(args: string[], terminal: Terminal = process): Promise<number> {
  // A reader that has seen enough (`omg list | head`) is no error.
  terminal.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const commands = { nextWords, matchedPath, commandsFor };
  const context = { terminal, commands, stdin: process.stdin, stdout: terminal.stdout, stderr: terminal.stderr };
  const isColoured = terminal.stdout.isTTY === true && terminal.stdout.hasColors?.() === true;
  try {
    const asked = helpAsked(args);
    if (asked !== undefined) {
      terminal.stdout.write(await helpFor(asked, { style: styleOf(isColoured), width: widthOf(terminal.stdout) }));
      return 0;
    }
    const known = await knownCommands(args);
    const cli = Cli.from<CliContext>(known, { binaryName: 'omg' });
    return await cli.run(parse(cli, known, args, context), context);
  } catch (error) {
    const printer = new Printer(terminal);
    const exitCode = printer.fail(error);
    printer.finish();
    return exitCode;
  }
}

/** The words of the command that help is asked for, none for the overview; undefined where none is asked for. */
function helpAsked(args: string[]): string[] | undefined {
  if (args.length === 0) return [];
  const end = args.indexOf('--');
  const own = end === -1 ? args : args.slice(0, end);
  const words = own.filter((word) => !word.startsWith('-'));
  if (words[0] === 'help') return words.slice(1);
  return own.includes('--help') || own.includes('-h') ? words : undefined;
}

async function helpFor(words: string[], page: Page): Promise<string> {
  if (words.length === 0) return overview(await allCommands(), page);
  const path =
    nextWords(words.slice(0, 1)).length > 0 && matchedPath(words).length === 0 ? words.slice(0, 1) : matchedPath(words);
  if (path.length === 0) throw unknownCommand(words);
  return commandHelp(await commandsFor(path), { path: path.join(' '), members: await groupMembers(path) }, page);
}

async function knownCommands(args: string[]): Promise<CommandClass<CliContext>[]> {
  const commands = await commandsFor(args);
  if (commands.length > 0) return commands;
  throw unknownCommand(args);
}

function unknownCommand([first = '', second = '']: string[]): OmgError {
  const refuse = (message: string, hint: string) => new OmgError('invalid_request', message, { hint });
  if (first.startsWith('-')) {
    return refuse(
      `Unknown option ${first}.`,
      'Options follow the command, as in `omg list --json`; `omg --help` lists the commands.',
    );
  }
  const members = nextWords([first]);
  if (members.length > 0 && (second === '' || second.startsWith('-'))) {
    return refuse(
      `\`omg ${first}\` needs a command: ${members.join(', ')}.`,
      `\`omg ${first} --help\` says what each does.`,
    );
  }
  if (members.length > 0) {
    return refuse(`There is no \`omg ${first} ${second}\`.`, memberHint([first], members, second));
  }
  const meant = commandMeant(first) ?? didYouMean(first, nextWords([]));
  return refuse(
    `There is no command \`omg ${first}\`.`,
    meant === undefined ? '`omg --help` lists the commands.' : `Did you mean \`omg ${meant}\`?`,
  );
}

/** Reads the arguments; what does not fit becomes an `invalid_request` that names it. */
function parse(cli: Cli<CliContext>, commands: CommandClass<CliContext>[], args: string[], context: CliContextInput) {
  try {
    return cli.process(args, context);
  } catch (error) {
    const path = matchedPath(args);
    const signature = commands.map(signatureOf).find(({ paths }) => paths.includes(path.join(' ')));
    if (signature === undefined) throw error;
    throw explainArguments({ signature, path, rest: args.slice(path.length), members: nextWords(path) });
  }
}

type CliContextInput = Parameters<Cli<CliContext>['process']>[1];
