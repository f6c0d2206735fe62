import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type DaemonStatus } from '../client/index.ts';
import type { Config } from '../config/index.ts';
import { ERROR_CODES, type ErrorCode, OmgError } from '../errors/index.ts';

const START_MS = 30_000;
const POLL_MS = 25;
/** A daemon answers in milliseconds; this is for a machine that is very busy. */
const ANSWER_MS = 10_000;

/**
 * A client of the running daemon, once it has answered. Throws `daemon_not_running`, also where something else holds its port
 * and says nothing.
 */
export async function runningDaemon(config: Config, signal?: AbortSignal): Promise<Client> {
  const client = Client.of(config);
  const patience = AbortSignal.timeout(ANSWER_MS);
  try {
    await client.health(signal === undefined ? patience : AbortSignal.any([signal, patience]));
    return client;
  } catch (error) {
    if (!patience.aborted) throw error;
    const { 'server.host': host, 'server.port': port } = config.settings;
    throw new OmgError('daemon_not_running', `What listens on ${host}:${port} does not answer.`, {
      hint: 'See `omg doctor`; another program may hold the port.',
      cause: error,
    });
  }
}

/** V8 lets the young generation of an idle server grow to 32 MB otherwise; a daemon moves little data of its own. */
const DAEMON_FLAGS = ['--max-semi-space-size=1'];

/** Arguments of the Node that runs this program again, without those of the command. */
function ownCommand(): string[] {
  const script = process.argv[1];
  if (script === undefined) throw new OmgError('internal', 'The program does not know its own file.');
  return [...process.execArgv, ...DAEMON_FLAGS, script];
}

function makeLogFolder({ paths }: Config): void {
  try {
    mkdirSync(paths.logs, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new OmgError('permission_denied', `The home folder ${paths.home} cannot be used (${code}).`, {
      hint: 'Set OMG_HOME to a folder of yours, or unset it.',
      cause: error,
    });
  }
}

/**
 * Starts `omg serve` as a process of its own and resolves when it answers. Throws what made it end, with its own exit code's meaning.
 */
export async function startDaemon(
  config: Config,
  options: { args?: string[]; signal?: AbortSignal } = {},
): Promise<DaemonStatus> {
  makeLogFolder(config);
  // What it says before its own log is open. A file and not a pipe: it outlives this process.
  const outputPath = join(config.paths.logs, 'start.log');
  const output = openSync(outputPath, 'w', 0o600);
  const child = spawn(process.execPath, [...ownCommand(), 'serve', '--log-to-file', ...(options.args ?? [])], {
    detached: true,
    stdio: ['ignore', output, output],
    windowsHide: true,
  });
  closeSync(output);
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code) => resolve(code ?? 1));
    child.once('error', () => resolve(1));
  });
  let exitCode: number | undefined;
  void ended.then((code) => {
    exitCode = code;
  });
  const client = Client.of(config);
  // Whatever else holds the port may take a connection and never answer.
  const given = new AbortController();
  void ended.then(() => given.abort());
  const deadline = Date.now() + START_MS;
  while (exitCode === undefined && Date.now() < deadline) {
    if (options.signal?.aborted) {
      child.kill();
      throw new OmgError('cancelled', 'The start of the daemon was cancelled.');
    }
    const patience = AbortSignal.any([given.signal, AbortSignal.timeout(ANSWER_MS)]);
    const answers = await client.health(patience).then(
      () => true,
      () => false,
    );
    const status = answers ? await client.status().catch(() => undefined) : undefined;
    // Another daemon may answer on the address while ours is about to find out.
    if (status?.pid === child.pid && status !== undefined) {
      child.unref();
      return status;
    }
    await Promise.race([sleep(POLL_MS), ended]);
  }
  if (exitCode === undefined) {
    child.kill();
    throw new OmgError('internal', `The daemon did not answer within ${START_MS / 1000} seconds.`, {
      hint: `See ${outputPath} and ${config.paths.logFile}.`,
    });
  }
  throw startError(readFileSync(outputPath, 'utf8'), exitCode, outputPath);
}

/** The error that the process printed, as an error of this one. */
function startError(output: string, exitCode: number, outputPath: string): OmgError {
  const message = /^error: (.+)$/m.exec(output)?.[1];
  const hint = /^hint: (.+)$/m.exec(output)?.[1];
  const code = (Object.keys(ERROR_CODES) as ErrorCode[]).find((name) => ERROR_CODES[name].exit === exitCode);
  return new OmgError(code ?? 'internal', message ?? `The daemon ended with exit code ${exitCode} while it started.`, {
    hint: hint ?? `See ${outputPath}.`,
  });
}

/** Over the daemon's own time for letting answers finish. */
const STOP_GRACE_MS = 15_000;

/** Asks the daemon to stop and resolves when its process is gone. */
export async function stopDaemon({ config }: { config: Config }): Promise<void> {
  const client = await runningDaemon(config);
  const { pid } = await client.status();
  await client.shutdown();
  // Who may stop it is told its process as well, unless it is one of another kind.
  if (pid === undefined) return;
  const timeoutMs = config.settings['server.drain_timeout'] + STOP_GRACE_MS;
  const deadline = Date.now() + timeoutMs;
  while (isRunning(pid)) {
    if (Date.now() > deadline) {
      throw new OmgError(
        'conflict',
        `The daemon (pid ${pid}) has not stopped within ${Math.round(timeoutMs / 1000)} seconds.`,
        { hint: 'See `omg logs`.' },
      );
    }
    await sleep(POLL_MS);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
