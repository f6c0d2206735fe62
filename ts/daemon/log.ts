import { pino } from 'pino';
import type { Settings } from '../config/index.ts';
import { LogFile } from './log-file.ts';
import { readableLine } from './readable-line.ts';

/** Structured log of the daemon. Prompts, answers, keys and tokens are never given to it. */
export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'>;

export interface LogTarget {
  log: Log;
  close(): void;
}

/** JSON lines to the file or to standard output; on a terminal lines that people read. */
export function createLog(
  settings: Pick<Settings, 'log.level' | 'log.debug'>,
  target: { file: string } | 'stdout' | { terminal: (line: string) => void },
): LogTarget {
  const level = settings['log.debug'] ? 'debug' : settings['log.level'];
  const options: pino.LoggerOptions = { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime };
  if (target === 'stdout') return { log: pino(options, pino.destination({ dest: 1, sync: true })), close: () => {} };
  if ('terminal' in target) {
    const { terminal } = target;
    return { log: pino(options, { write: (line: string) => terminal(readableLine(line)) }), close: () => {} };
  }
  const file = new LogFile(target.file, {
    onProblem: (error) => process.stderr.write(`warning: ${target.file} cannot be written: ${error.message}\n`),
  });
  return { log: pino(options, file), close: () => file.close() };
}
