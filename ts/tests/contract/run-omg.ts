import { PassThrough } from 'node:stream';
import { runCli } from '../../cli/index.ts';

export interface Run {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line in this process, without a terminal unless one is asked for. */
export async function omg(args: string[], options: { stdin?: string; isTerminal?: boolean } = {}): Promise<Run> {
  const stream = () => Object.assign(new PassThrough(), { isTTY: options.isTerminal ?? false, columns: 80 });
  const [stdin, stdout, stderr] = [stream(), stream(), stream()];
  stdin.end(options.stdin ?? '');
  const exitCode = await runCli(args, { stdin, stdout, stderr });
  const read = (from: PassThrough) => String(from.read() ?? '');
  return { exitCode, stdout: read(stdout), stderr: read(stderr) };
}

/** Standard output as JSON; a command with --json must print nothing else there. */
export async function json(args: string[]): Promise<unknown> {
  return JSON.parse((await omg([...args, '--json'])).stdout);
}
