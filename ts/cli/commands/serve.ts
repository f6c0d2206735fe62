import { Command, Option } from 'clipanion';
import { addressesForOthers } from '../addresses.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import { startDaemon } from '../daemon-process.ts';
import type { Session } from '../session.ts';

export class ServeCommand extends DataCommand {
  static override paths = [['serve']];
  static override usage = Command.Usage({
    category: CATEGORY.daemon,
    description: 'Run the daemon, in the foreground or with `-d` in the background.',
    details:
      'Listens on 127.0.0.1:10692 and on a Unix socket in the home folder. Beyond this machine it needs an API key (`omg keys create`, or `OMG_API_KEY`).',
    examples: [
      ['In the background', '$0 serve -d'],
      ['In place of Ollama', '$0 serve --port 11434'],
      ['For the network', 'OMG_API_KEY=… $0 serve --host 0.0.0.0'],
    ],
  });

  detach = Option.Boolean('-d,--detach', false, {
    description: 'Run in the background; returns when the daemon answers.',
  });
  host = Option.String('--host', { description: 'Address to listen on.' });
  port = Option.String('--port', { description: 'Port to listen on; 0 picks a free one.' });
  insecureNoAuth = Option.Boolean('--insecure-no-auth', {
    description: 'Listen beyond this machine without an API key.',
  });
  alsoOllamaPort = Option.Boolean('--also-ollama-port', { description: 'Listen on 127.0.0.1:11434 as well.' });

  logToFile = Option.Boolean('--log-to-file', false, { hidden: true });

  protected override get flags() {
    return {
      ...(this.host === undefined ? {} : { 'server.host': this.host }),
      ...(this.port === undefined ? {} : { 'server.port': this.port }),
      ...(this.insecureNoAuth === undefined ? {} : { 'server.insecure_no_auth': this.insecureNoAuth }),
      ...(this.alsoOllamaPort === undefined ? {} : { 'server.also_ollama_port': this.alsoOllamaPort }),
    };
  }

  protected override async run({ printer, config, signal }: Session): Promise<void> {
    if (this.detach) {
      const status = await startDaemon(config, { args: this.forwarded, signal });
      if (printer.isJson) return printer.json(status);
      printer.line(status.url);
      for (const address of addressesForOthers(status)) printer.note(`From other machines: ${address}`);
      printer.note(`The daemon runs (pid ${status.pid}). Stop it with \`omg serve stop\`.`);
      return;
    }
    startWithoutOptimizing();
    const [{ runDaemon }, { loadConfig }] = await Promise.all([
      import('../../daemon/index.ts'),
      import('../../config/index.ts'),
    ]);
    await runDaemon({
      config,
      reload: () => loadConfig({ flags: this.flags }),
      foreground: !this.logToFile,
      ...(printer.stdout.isTTY === true ? { terminal: (line) => void printer.stdout.write(line) } : {}),
      onStarted: ({ endpoint }) => {
        printer.status(`Listening on ${endpoint.url}. Ctrl-C stops it.`);
        for (const address of addressesForOthers(endpoint)) printer.status(`From other machines: ${address}`);
      },
    });
  }

  /** The flags of this command that the process in the background gets. */
  private get forwarded(): string[] {
    return [
      ...(this.host === undefined ? [] : ['--host', this.host]),
      ...(this.port === undefined ? [] : ['--port', this.port]),
      ...(this.insecureNoAuth ? ['--insecure-no-auth'] : []),
      ...(this.alsoOllamaPort ? ['--also-ollama-port'] : []),
    ];
  }
}

/**
 * What starts the daemon runs once, and V8's optimising compilers would keep some 10 MB for it. The daemon turns the last of
 * them on again when it has started; the middle one (Maglev) stays off, whose threads keep the most. To be called before
 * the daemon is imported.
 */
function startWithoutOptimizing(): void {
  const v8 = process.getBuiltinModule('node:v8');
  v8.setFlagsFromString('--no-maglev');
  v8.setFlagsFromString('--no-opt');
}
