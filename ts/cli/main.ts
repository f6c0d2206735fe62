import { version } from './version.ts';

// The one command that must answer at once loads nothing else.
const args = process.argv.slice(2);
if (args.length === 1 && ['--version', '-v', '-V'].includes(args[0] ?? '')) {
  process.stdout.write(`${version()}\n`);
} else {
  const { runCli } = await import('./run.ts');
  process.exitCode = await runCli(args);
}
