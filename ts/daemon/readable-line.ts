import { printable, printableLine } from '../errors/index.ts';

/** Levels of pino, by their numbers. */
const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

/** Stands for what was taken out, so that it can be seen that something was. */
const LOST = '\ufffd';

/** A JSON line of the log as a person reads it: `12:00:01 info request method=POST route=/api/chat status=200 ms=12`. */
export function readableLine(json: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return `${printableLine(json.trimEnd(), LOST)}\n`;
  }
  const { level, time, msg, reqId: _, err, ...fields } = entry;
  const clock = new Date(String(time));
  const shown = Number.isNaN(clock.getTime()) ? '' : `${clock.toTimeString().slice(0, 8)} `;
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? plain(value) : JSON.stringify(value)}`,
  );
  const stack = typeof err === 'object' && err !== null && 'stack' in err ? `\n${String(err.stack)}` : '';
  const text = [LEVELS[Number(level)] ?? '', String(msg ?? ''), ...rest].filter((part) => part !== '').join(' ');
  // What a model or a header put into a field must not drive the terminal.
  return `${shown}${printableLine(text, LOST)}${printable(stack, LOST)}\n`;
}

function plain(value: string): string {
  return /[\s="]/.test(value) || value === '' ? JSON.stringify(value) : value;
}
