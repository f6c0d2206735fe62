import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

/** Names one process for good: a pid alone is given to another process after a while. */
export interface ProcessIdentity {
  pid: number;
  hostname: string;
  /** Opaque; absent where the system does not tell. */
  startedAt?: string;
}

let own: Promise<ProcessIdentity> | undefined;

export function ownIdentity(): Promise<ProcessIdentity> {
  own ??= (async () => {
    const startedAt = await startOf(process.pid);
    return { pid: process.pid, hostname: hostname(), ...(startedAt === undefined ? {} : { startedAt }) };
  })();
  return own;
}

/** `unknown` when the process runs on another machine or its start cannot be told, so that only age can decide. */
export async function processState(identity: ProcessIdentity): Promise<'alive' | 'dead' | 'unknown'> {
  if (identity.hostname !== hostname()) return 'unknown';
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'dead';
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'unknown';
  }
  if (identity.startedAt === undefined) return 'unknown';
  const startedAt = await startOf(identity.pid);
  if (startedAt === undefined) return 'unknown';
  return startedAt === identity.startedAt ? 'alive' : 'dead';
}

async function startOf(pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // The command may hold spaces and parentheses; fields are counted from behind it. starttime is field 22 (proc_pid_stat(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0];
    const start = fields[19];
    // A zombie runs no more code, so it holds nothing.
    if (state === 'Z' || state === 'X') return 'ended';
    return start === undefined ? undefined : `${boot.trim()}/${start}`;
  } catch {
    return undefined;
  }
}
