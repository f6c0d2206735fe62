import { version } from './version.ts';

// The one command that must answer at once loads nothing else.
const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  process.stdout.write(`${version()}\n`);
} else {
  const { runCli } = await import('./run.ts');
  process.exitCode = await runCli(args);
}
