import { Command, Option } from 'clipanion';
import { OmgError, printableJson, printableLine } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import { followFile, lastLines } from '../log-tail.ts';
import type { Session } from '../session.ts';
import type { Style } from '../terminal/style.ts';

export class LogsCommand extends DataCommand {
  static override paths = [['logs'], ['serve', 'logs']];
  static override usage = Command.Usage({
    category: CATEGORY.daemon,
    description: 'Show the log of the daemon.',
    details: 'Times are local. Works without a running daemon.',
    examples: [
      ['The last 20 lines, and what comes', '$0 logs -n 20 -f'],
      ['As they are in the file', '$0 logs --json'],
    ],
  });

  count = Option.String('-n,--lines', '100', { description: 'Lines to show.' });
  follow = Option.Boolean('-f,--follow', false, { description: 'Keep showing new lines, until Ctrl-C.' });

  protected override async run({ printer, config, signal }: Session): Promise<void> {
    const count = Number(this.count);
    if (!Number.isInteger(count) || count < 0) {
      throw new OmgError('invalid_request', `--lines is a whole number, not "${this.count}".`);
    }
    const { logFile } = config.paths;
    const print = (line: string) =>
      printer.styled(printer.isJson ? printableJson(line) : readableLogLine(line, printer.style));
    const { lines, size } = await lastLines(logFile, count);
    for (const line of lines) print(line);
    if (this.follow) await followFile(logFile, size, print, signal);
  }
}

const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
/** Of the person who reads it, as is the clock on their wall. */
function localTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  const clock = [two(time.getHours()), two(time.getMinutes()), two(time.getSeconds())].join(':');
  return `${date} ${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

const NOISE = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'v', 'reqId']);

/** A line of structured log as people read it: time, level, message, then the other fields. */
export function readableLogLine(line: string, style: Style): string {
  let entry: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== 'object' || parsed === null) return printableLine(line);
    entry = parsed as Record<string, unknown>;
  } catch {
    return printableLine(line);
  }
  const level =
    typeof entry.level === 'number' ? (LEVELS[entry.level] ?? String(entry.level)) : String(entry.level ?? 'info');
  const time = new Date(entry.time as string | number);
  const when = Number.isNaN(time.getTime()) ? '' : localTime(time);
  const fields = Object.entries(entry)
    .filter(([name]) => !NOISE.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const paint = level === 'error' || level === 'fatal' ? style.red : level === 'warn' ? style.yellow : style.cyan;
  const words = [
    style.dim(when),
    paint(printableLine(level).padEnd(5)),
    printableLine(String(entry.msg ?? '')),
    style.dim(printableLine(fields.join(' '))),
  ];
  return words
    .filter((word) => word !== '')
    .join(' ')
    .trimEnd();
}
