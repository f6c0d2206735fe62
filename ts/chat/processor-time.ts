import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second whatever its clock does. */
const MS_PER_TICK = 10;

/** How long a process has had a processor; undefined where the system does not say it in a file. */
export function processorMs(pid: number | undefined): number | undefined {
  if (process.platform !== 'linux' || pid === undefined) return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in parentheses, may hold anything. User and system time are 12 and 13 behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  } catch {
    return undefined;
  }
}
