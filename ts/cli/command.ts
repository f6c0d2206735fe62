import { type BaseContext, Command, type CommandClass, Option } from 'clipanion';
import type { loadConfig } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import { Printer } from './printer.ts';
import { Session, type Terminal } from './session.ts';

/** The commands there are, as completion sees them. */
export interface CommandTable {
  nextWords(given: readonly string[]): string[];
  matchedPath(args: readonly string[]): string[];
  commandsFor(args: readonly string[]): Promise<CommandClass<CliContext>[]>;
}

export interface CliContext extends BaseContext {
  commands: CommandTable;
  terminal: Terminal;
}

/** Categories of `omg --help`, in the order in which they are shown. */
export const CATEGORY = { chat: 'Chat', models: 'Models', daemon: 'Daemon', setup: 'Setup' } as const;

/** What all commands share: output, settings, Ctrl-C and the exit code. A subclass does its work in `run`. */
export abstract class OmgCommand extends Command<CliContext> {
  quiet = Option.Boolean('-q,--quiet', false, { description: 'Print results and errors only, of lists the names.' });

  /** Does the work. Returns the exit code, or nothing for 0; whatever it throws is reported. */
  protected abstract run(session: Session): Promise<number> | Promise<void>;

  protected get isJson(): boolean {
    return false;
  }

  /** Settings given as flags, by their key. */
  protected get flags(): NonNullable<Parameters<typeof loadConfig>[0]>['flags'] {
    return {};
  }

  override async execute(): Promise<number> {
    const { terminal } = this.context;
    const output = { isQuiet: this.quiet, isJson: this.isJson };
    const interrupt = new AbortController();
    const onInterrupt = () => {
      // Once to end in good order, twice to end.
      if (interrupt.signal.aborted) process.exit(130);
      interrupt.abort();
    };
    process.on('SIGINT', onInterrupt);
    let printer = new Printer({ ...terminal, ...output });
    try {
      const session = await Session.open(terminal, interrupt.signal, output, { flags: this.flags });
      printer = session.printer;
      return (await this.run(session)) ?? 0;
    } catch (error) {
      const failure = OmgError.from(error);
      if (interrupt.signal.aborted && failure.code === 'cancelled') return failure.exitCode;
      return printer.fail(failure);
    } finally {
      process.off('SIGINT', onInterrupt);
      printer.finish();
    }
  }
}

/** A command that prints data. */
export abstract class DataCommand extends OmgCommand {
  json = Option.Boolean('--json', false, { description: 'Print JSON.' });

  protected override get isJson(): boolean {
    return this.json;
  }
}
