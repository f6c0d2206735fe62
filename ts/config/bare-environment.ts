import type { Environment } from './load.ts';

/** Node itself needs the first three on some systems; the last is the time zone that templates write dates in. */
const NEEDED = ['SystemRoot', 'windir', 'LD_LIBRARY_PATH', 'TZ'];

/** The environment for a child process that runs what strangers wrote: what it cannot start without, and nothing else. */
export function bareEnvironment(environment: Environment = process.env): Record<string, string> {
  const bare: Record<string, string> = {};
  for (const name of NEEDED) {
    const value = environment[name];
    if (value !== undefined) bare[name] = value;
  }
  return bare;
}
