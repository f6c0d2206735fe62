/** What set-up prints: to stderr, one short line per thing done, nothing when nothing had to be done. */

const colour = process.stderr.isTTY && !process.env.NO_COLOR;

function paint(code, text) {
  return colour ? `\u001b[${code}m${text}\u001b[0m` : text;
}

export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** A heading of `npm test`: which part runs now. */
export function sayStep(text) {
  say(paint(1, `── ${text}`));
}

/** Runs `work` and reports how long it took, in the past tense. */
export async function timed(doing, done, work) {
  say(paint(2, `${doing}…`));
  const start = performance.now();
  const result = await work();
  say(`${done} ${paint(2, `in ${duration(performance.now() - start)}`)}`);
  return result;
}

export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}s`;
  return `${Math.floor(ms / 60_000)}m ${String(Math.round((ms % 60_000) / 1000)).padStart(2, '0')}s`;
}

/** An end of set-up that the person can mend: printed without a stack. */
export class SetupError extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** Runs the body of a script; a `SetupError` becomes two lines and exit code 1. */
export async function script(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`${paint(31, 'error:')} ${error.message}`);
    if (error.hint) say(`${paint(36, 'hint:')} ${error.hint}`);
    process.exitCode = 1;
  }
}
