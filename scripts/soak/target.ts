import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The daemon under attack: a process of its own with an empty home, as a user starts it. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly home: string;
  readonly pid: number;
  /** Whether the process that was started still runs. */
  isAlive(): boolean;
  stop(): Promise<void>;
}

const OMG = fileURLToPath(new URL('../bin/omg.mjs', import.meta.url));

/** Starts `omg serve` of this checkout, which must be built. */
export async function startTarget(): Promise<Target> {
  const home = mkdtempSync(join(tmpdir(), 'omg-soak-'));
  const child = spawn(process.execPath, [OMG, 'serve', '--port', '0'], {
    env: { PATH: process.env.PATH, HOME: home, OMG_HOME: home, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // A soak that is interrupted must not leave its daemon behind.
  process.once('exit', () => child.kill('SIGKILL'));
  const port = await portOf(child);
  return {
    host: '127.0.0.1',
    port,
    url: `http://127.0.0.1:${port}`,
    home,
    pid: child.pid ?? 0,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1];
    if (port !== undefined) {
      child.stdout?.on('data', () => {});
      return Number(port);
    }
  }
  throw new Error(`omg serve ended before it listened: ${text}`);
}

export interface Usage {
  daemonBytes: number;
  /** Runners, renderers and whatever else the daemon has started. */
  childrenBytes: number;
  children: number;
  descriptors: number;
}

/** What the daemon and its children take, from /proc. */
export function usageOf(pid: number): Usage {
  const children = descendantsOf(pid);
  return {
    daemonBytes: residentBytes(pid),
    childrenBytes: children.reduce((sum, child) => sum + residentBytes(child), 0),
    children: children.length,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

function residentBytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function descendantsOf(pid: number): number[] {
  try {
    const own = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
    );
    return own.flatMap((child) => [child, ...descendantsOf(child)]);
  } catch {
    return [];
  }
}
