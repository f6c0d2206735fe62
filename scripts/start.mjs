import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { inCheckout } from './setup/checkout.mjs';
import { runForeground, script, setUp } from './setup/index.mjs';

/** Asked when there is neither a question nor anyone to type one. */
const DEFAULT_QUESTION = 'What is omg?';

/**
 * `npm start`: from a bare clone to a chat with the bundled model. With a question (`npm start -- "question"`), or without a
 * terminal, one answer is printed and the daemon that was started for it ends with it; after a chat it goes on. Everything set-up has
 * to say goes to stderr: stdout holds the answer and nothing else.
 */
await script(async () => {
  if (!(await setUp())) return;
  const omg = (args, options) => runForeground(process.execPath, [inCheckout('dist', 'omg.js'), ...args], options);
  const question = process.argv.slice(2).join(' ').trim() || (await pipedQuestion());
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !process.env.CI;
  process.exitCode =
    question === '' && isTerminal
      ? await omg(['run', 'demo', '--start'])
      : await omg(['run', 'demo', '--start', '--quiet', '--', question || DEFAULT_QUESTION], { stdin: 'ignore' });
});

/** What is piped in. A pipe that nobody writes to must not hold up an answer, so the wait for its end is short. */
async function pipedQuestion() {
  if (process.stdin.isTTY) return '';
  const input = text(process.stdin).catch(() => '');
  const late = sleep(1000, '', { ref: false });
  const question = await Promise.race([input, late]);
  process.stdin.destroy();
  return question.trim();
}
