import { Builtins, Cli } from 'clipanion';
import { version } from './version.ts';

/** Runs one command line and resolves to its exit code. */
export async function runCli(args: string[]): Promise<number> {
  const cli = new Cli({ binaryLabel: 'ohmygpu', binaryName: 'omg', binaryVersion: version() });
  cli.register(Builtins.HelpCommand);
  cli.register(Builtins.VersionCommand);
  return cli.run(args);
}
