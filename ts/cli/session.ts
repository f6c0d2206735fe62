import { Client } from '../client/index.ts';
import { type Config, loadConfig } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import { runningDaemon, startDaemon } from './daemon-process.ts';
import { Printer, type Stream } from './printer.ts';
import { confirm } from './terminal/confirm.ts';
import { wantsColour } from './terminal/style.ts';

/** The streams of the program, replaced in tests. */
export interface Terminal {
  stdin: NodeJS.ReadStream | (NodeJS.ReadableStream & { isTTY?: boolean });
  stdout: Stream;
  stderr: Stream;
}

/** What a command works with: settings, output, and the way to the daemon. */
export class Session {
  readonly config: Config;
  readonly printer: Printer;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Address of the daemon that this command had to start. */
  startedDaemon: string | undefined;

  private constructor(config: Config, printer: Printer, terminal: Terminal, signal: AbortSignal) {
    this.config = config;
    this.printer = printer;
    this.terminal = terminal;
    this.signal = signal;
  }

  static async open(
    terminal: Terminal,
    signal: AbortSignal,
    options: { isQuiet: boolean; isJson: boolean },
    flags: Parameters<typeof loadConfig>[0] = {},
  ): Promise<Session> {
    const config = await loadConfig(flags);
    const { settings } = config;
    const colourOf = ({ isTTY }: Stream) =>
      wantsColour({
        isTerminal: isTTY === true,
        noColor: settings['system.no_color'],
        forceColor: settings['system.force_color'],
        term: settings['system.term'],
      });
    const colour = { stdout: colourOf(terminal.stdout), stderr: colourOf(terminal.stderr) };
    const { stdout, stderr } = terminal;
    return new Session(config, new Printer({ stdout, stderr, colour, ...options }), terminal, signal);
  }

  /** A person sits at the terminal and can be asked. */
  get isInteractive(): boolean {
    const { stdin, stdout } = this.terminal;
    return stdin.isTTY === true && stdout.isTTY === true && this.config.settings['system.ci'] === '';
  }

  /**
   * A client of the running daemon. Without one it offers to start it on a terminal and throws `daemon_not_running` elsewhere;
   * nothing is started unasked. `start` has asked already.
   */
  async daemon(start = false): Promise<Client> {
    try {
      return await runningDaemon(this.config, this.signal);
    } catch (error) {
      if (!(error instanceof OmgError) || error.code !== 'daemon_not_running') throw error;
      const mayStart =
        start || (this.isInteractive && (await confirm(this.terminal, 'No daemon is running. Start one?', 'yes')));
      if (!mayStart) throw error;
    }
    this.printer.status('Starting the daemon…');
    const { url } = await startDaemon(this.config, { signal: this.signal });
    this.startedDaemon = url;
    this.printer.status(`Started the daemon at ${url}.`);
    return Client.of(this.config);
  }
}
