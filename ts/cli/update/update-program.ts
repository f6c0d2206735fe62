import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, type Installation, VERSION } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { fetchVersion, installSiteOf, type Network, programIn, runProgram, selfTest } from '../../install/index.ts';
import { runningDaemon } from '../daemon-process.ts';
import type { Session } from '../session.ts';
import { type DaemonInUse, daemonInUse, startAgain, stopInUse, waitUntilIdle } from './daemon-in-use.ts';

export interface Updated {
  from: string;
  to: string;
  restarted: boolean;
}

/**
 * Puts another version in the place of this one: fetched beside it, tried there, exchanged while the daemon answers nobody, tried again,
 * and taken back when that fails. After the exchange nothing more is loaded from the old files.
 */
export async function updateProgram(
  { config, printer, signal }: Session,
  options: { where: Installation; network: Network; version: string; waitMs: number },
): Promise<Updated> {
  const { where, network, version, waitMs } = options;
  const place = installSiteOf(where);
  // Before the download, which would be in vain.
  const daemon = await daemonInUse(config);
  const stage = await place.stage();
  try {
    printer.status(`Fetching omg ${version}`);
    const staged = await fetchVersion(where, version, network, stage);
    await selfTest(programIn(staged), version);
    if (daemon !== undefined) {
      const onWait = (what: string) => printer.status(`The daemon ${what}; waiting`);
      await waitUntilIdle(await runningDaemon(config), { waitMs, signal, onWait });
      await stopInUse(config, daemon);
    }
    const old = programIn(where.root ?? '');
    const exchange = await place.replace(staged, version).catch(async (error: unknown) => {
      if (daemon !== undefined) await startAgain(old, config, VERSION, daemon);
      throw error;
    });
    try {
      const current = programIn(exchange.root);
      await selfTest(current, version);
      await refreshBackends(config, current.root, (text) => printer.warn(text));
      if (daemon !== undefined) await startAgain(current, config, version, daemon);
    } catch (error) {
      await exchange.undo();
      if (daemon !== undefined) await startAgain(old, config, VERSION, daemon);
      throw failure(error, daemon);
    }
    await exchange.finish();
    return { from: VERSION, to: version, restarted: daemon !== undefined };
  } finally {
    await rm(stage, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A backend of the version before would be refused from now on. */
async function refreshBackends(config: Config, root: string, warn: (text: string) => void): Promise<void> {
  if (!existsSync(join(config.paths.backends, 'cuda'))) return;
  const { exitCode, stderr } = await runProgram(programIn(root), ['backend', 'install', 'cuda', '--quiet'], 600_000);
  if (exitCode !== 0) warn(`The CUDA backend could not be updated, and models run on the CPU. ${stderr.trim()}`);
}

function failure(error: unknown, daemon: DaemonInUse | undefined): OmgError {
  const { message } = OmgError.from(error);
  return new OmgError('update_failed', message, {
    hint: `omg ${VERSION} is back in its place${daemon === undefined ? '' : ', and its daemon runs again'}.`,
    cause: error,
  });
}
