import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../client/index.ts';
import { type Config, loadConfig } from '../../config/index.ts';
import { type Daemon, type DaemonParts, startDaemon } from '../../daemon/index.ts';
import { StandInEngine, type StandInScript } from '../../engine/index.ts';
import { OmgError } from '../../errors/index.ts';

/** A whole daemon in this process: real listeners, store and life cycle, the stand-in engine, a hub that is given. */
export interface TestDaemon {
  daemon: Daemon;
  engine: StandInEngine;
  client: Client;
  config: Config;
  url: string;
  /** Puts a model into the store under this name. */
  install(name: string): Promise<void>;
  stop(): Promise<void>;
}

export interface TestDaemonOptions {
  script?: StandInScript | ((path: string) => StandInScript);
  env?: Record<string, string>;
  hub?: DaemonParts['hub'];
  home?: string;
}

export async function testDaemon(options: TestDaemonOptions = {}): Promise<TestDaemon> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'omg-contract-')));
  const env = { OMG_HOME: home, OMG_PORT: '0', OMG_DRAIN_TIMEOUT: '1s', ...options.env };
  const reload = (): Promise<Config> => loadConfig({ env, cwd: home });
  const config = await reload();
  const engine = new StandInEngine(options.script);
  const hub = options.hub ?? (() => Promise.reject(new OmgError('hub_unreachable', 'There is no hub in this test.')));
  const daemon = await startDaemon({ config, reload, foreground: false, parts: { engine, hub } }).catch(
    async (error) => {
      if (options.home === undefined) await rm(home, { recursive: true, force: true });
      throw error;
    },
  );
  const { host, port, url } = daemon.endpoint;
  const certFile = config.settings['server.tls_cert'];
  const client = new Client(
    [{ host, port, ...(certFile === '' ? {} : { tls: { certFile } }) }],
    config.settings['server.api_key'],
  );
  return {
    daemon,
    engine,
    client,
    config,
    url,
    async install(name) {
      const path = join(home, `${name.replaceAll(/[^\w]/g, '-')}.gguf`);
      await writeFile(path, `GGUF stand-in ${name}`);
      await client.importModel(path, { name, copy: true });
    },
    async stop() {
      await daemon.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
