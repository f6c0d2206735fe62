import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, DaemonStatus } from '../../client/index.ts';
import { type Config, installation } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import {
  type Program,
  restartService,
  runProgram,
  type Service,
  serviceFor,
  serviceSpec,
  serviceState,
} from '../../install/index.ts';
import { runningDaemon, stopDaemon } from '../daemon-process.ts';

const POLL_MS = 250;

/** The daemon that runs while the program below it changes. */
export interface DaemonInUse {
  status: DaemonStatus;
  /** The service that started it; undefined for `omg serve -d`. */
  service: Service | undefined;
}

/** The running daemon, and whose it is. Throws `conflict` where it could not be started again as it was. */
export async function daemonInUse(config: Config): Promise<DaemonInUse | undefined> {
  const client = await runningDaemon(config).catch(() => undefined);
  const status = await client?.status();
  if (status === undefined) return undefined;
  if (status.pid === undefined || status.arguments === undefined) {
    throw new OmgError(
      'forbidden',
      'The API key may not see how the daemon was started, so it could not be started again.',
      {
        hint: 'Update on the machine of the daemon, as the one who runs it.',
      },
    );
  }
  const service = await serviceOf(config, status.pid);
  if (service === undefined && !status.arguments.includes('--log-to-file')) {
    throw new OmgError('conflict', `The daemon (pid ${status.pid}) was started in the foreground.`, {
      hint: 'Stop it where it runs, then update, then start it again.',
    });
  }
  return { status, service };
}

/** The service whose process this is. */
async function serviceOf(config: Config, pid: number): Promise<Service | undefined> {
  for (const scope of ['user', 'system'] as const) {
    const service = serviceFor(serviceSpec(config, installation()), scope, config.paths.home);
    const state = await serviceState(service);
    if (state.isActive && (state.pid === undefined || state.pid === pid)) return service;
  }
  return undefined;
}

/** Resolves when the daemon answers nobody and fetches nothing. Throws `conflict` when that takes too long. */
export async function waitUntilIdle(
  client: Client,
  options: { waitMs: number; signal: AbortSignal; onWait: (what: string) => void },
): Promise<void> {
  const deadline = performance.now() + options.waitMs;
  for (let isFirst = true; ; isFirst = false) {
    const busy = await whatItDoes(client);
    if (busy === undefined) return;
    if (performance.now() >= deadline) {
      throw new OmgError('conflict', `The daemon ${busy}.`, {
        hint: 'Nothing was changed. Try later, or wait longer with --wait.',
      });
    }
    if (isFirst) options.onWait(busy);
    await sleep(POLL_MS, undefined, { signal: options.signal }).catch(() => {
      throw new OmgError('cancelled', 'The update was cancelled.');
    });
  }
}

async function whatItDoes(client: Client): Promise<string | undefined> {
  const [models, { models: state }] = await Promise.all([client.list(), client.status()]);
  const requests = models.reduce(
    (sum, { runtime }) => sum + (runtime?.active_requests ?? 0) + (runtime?.queued_requests ?? 0),
    0,
  );
  if (requests > 0) return `answers ${requests} ${requests === 1 ? 'request' : 'requests'}`;
  if (state.downloading.length > 0) return `downloads ${state.downloading.join(', ')}`;
  return undefined;
}

/** Stops it in good order: what began in the last moment is still answered. */
export async function stopInUse(config: Config, { service }: DaemonInUse): Promise<void> {
  // A service manager is told to restart it; on the way it stops what runs.
  if (service === undefined) await stopDaemon({ config });
}

/** Starts it again from a program, as it was started before, and waits until it answers. Throws `update_failed`. */
export async function startAgain(
  program: Program,
  config: Config,
  version: string,
  daemon: DaemonInUse,
): Promise<void> {
  const { status, service } = daemon;
  if (service !== undefined) {
    await restartService(service);
    await answering(config, version);
    return;
  }
  const [command = 'serve', ...flags] = (status.arguments ?? []).filter((argument) => argument !== '--log-to-file');
  const { exitCode, stderr } = await runProgram(program, [command, '-d', '--quiet', ...flags]);
  if (exitCode !== 0)
    throw new OmgError('update_failed', `The daemon of omg ${version} does not start. ${stderr.trim()}`);
}

const START_MS = 60_000;

async function answering(config: Config, version: string): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    const health = await runningDaemon(config)
      .then((client) => client.health())
      .catch(() => undefined);
    if (health?.version === version) return;
    if (performance.now() >= deadline) {
      throw new OmgError('update_failed', `The service of omg ${version} does not answer.`, { hint: 'See its log.' });
    }
    await sleep(POLL_MS);
  }
}
