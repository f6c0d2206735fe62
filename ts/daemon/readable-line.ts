/** Levels of pino, by their numbers. */
const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

/** A JSON line of the log as a person reads it: `12:00:01 info request method=POST route=/api/chat status=200 ms=12`. */
export function readableLine(json: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return json;
  }
  const { level, time, msg, reqId: _, err, ...fields } = entry;
  const clock = new Date(String(time));
  const shown = Number.isNaN(clock.getTime()) ? '' : `${clock.toTimeString().slice(0, 8)} `;
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? plain(value) : JSON.stringify(value)}`,
  );
  const stack = typeof err === 'object' && err !== null && 'stack' in err ? `\n${String(err.stack)}` : '';
  const text = [LEVELS[Number(level)] ?? '', String(msg ?? ''), ...rest].filter((part) => part !== '').join(' ');
  return `${shown}${withoutControls(text)}${stack}\n`;
}

function plain(value: string): string {
  return /[\s="]/.test(value) || value === '' ? JSON.stringify(value) : value;
}

/** What a model or a header put into a field must not drive the terminal. */
function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
}
