import { DOCKER_CALL } from './docker-plugin/call-word.ts';
import { version } from './version.ts';

// The one command that must answer at once loads nothing else.
const args = process.argv.slice(2);
if (args.length === 1 && ['--version', '-v', '-V'].includes(args[0] ?? '')) {
  process.stdout.write(`${version()}\n`);
} else if (args[0] === DOCKER_CALL) {
  const [{ answerDocker }, { runCli }] = await Promise.all([import('./docker-plugin/answer.ts'), import('./run.ts')]);
  process.exitCode = await answerDocker(args.slice(1), process, runCli);
} else {
  const { runCli } = await import('./run.ts');
  process.exitCode = await runCli(args);
}
