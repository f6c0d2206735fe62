import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../config/index.ts';
import { type Daemon, startDaemon } from '../../daemon/index.ts';
import { RunnerEngine } from '../../engine/index.ts';
import { OmgError } from '../../errors/index.ts';

/** A daemon in this process over the real addon and the bundled model: real listeners, store, life cycle and runners. */
export interface RealDaemon {
  url: string;
  stop(): Promise<void>;
}

export async function realDaemon(env: Record<string, string> = {}): Promise<RealDaemon> {
  const home = mkdtempSync(join(tmpdir(), 'omg-e2e-'));
  const reload = () =>
    loadConfig({ env: { OMG_HOME: home, OMG_PORT: '0', OMG_DRAIN_TIMEOUT: '1s', ...env }, cwd: home });
  const hub = () => Promise.reject(new OmgError('hub_unreachable', 'There is no hub in this test.'));
  const daemon: Daemon = await startDaemon({
    config: await reload(),
    reload,
    foreground: false,
    parts: { engine: new RunnerEngine(), hub },
  });
  return {
    url: daemon.endpoint.url,
    async stop() {
      await daemon.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
