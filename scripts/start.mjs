import { inCheckout } from './setup/checkout.mjs';
import { runForeground, script, setUp } from './setup/index.mjs';

/**
 * `npm start`: from a bare clone to a chat with the bundled model. With a question, or without a terminal, one answer is printed.
 * Everything set-up has to say goes to stderr: stdout holds the answer and nothing else.
 */
await script(async () => {
  if (!(await setUp())) return;
  process.exitCode = await runForeground(process.execPath, [
    inCheckout('dist', 'omg.js'),
    'start',
    ...process.argv.slice(2),
  ]);
});
