import type { Server } from 'node:http';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Endpoint } from '../api/management/index.ts';
import { Client } from '../client/index.ts';
import { baseUrl, type Config, reachableHost, sweepUnfinished } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import { KeyFile } from '../keys/index.ts';
import { StoreLayout } from '../library/index.ts';
import type { Models } from '../lifecycle/index.ts';
import { buildApp } from './app.ts';
import { composeDaemon } from './compose.ts';
import { listenAlso, listenSocket, listenTcp, socketAnswers } from './listen.ts';
import { createLog, type Log, type LogTarget } from './log.ts';
import type { StartOptions } from './options.ts';
import { isLoopback } from './origins.ts';
import { type PidFile, takePidFile } from './pid-file.ts';
import { type TlsFiles, tlsServerFactory } from './tls.ts';

const PORT_OF_OLLAMA = 11434;
/** What is still open so long after the last answer is cut off. */
const CLOSE_MS = 2000;

export interface Daemon {
  readonly endpoint: Endpoint;
  readonly log: Log;
  /** Whether an answer is under way. */
  isBusy(): boolean;
  /** Answers new requests with 503, lets those under way finish, then ends everything. Idempotent. */
  stop(): Promise<void>;
  /** Resolves when it has stopped, whoever asked for it. */
  readonly stopped: Promise<void>;
}

type Undo = () => unknown;

/**
 * Starts the daemon of a home folder. Throws `daemon_running`, `port_in_use`, `permission_denied`, `invalid_config`; then
 * nothing is left behind.
 */
export async function startDaemon(options: StartOptions): Promise<Daemon> {
  const { settings, paths } = options.config;
  requireKey(options.config);
  const pidFile = await takePidFile(paths.pidFile, () => answers(options.config));
  const undo: Undo[] = [() => pidFile.release()];
  await sweep(options.config);
  try {
    const { foreground, terminal } = options;
    const shown = terminal === undefined ? 'stdout' : { terminal };
    const target = createLog(settings, foreground ? shown : { file: paths.logFile });
    undo.push(() => target.close());
    return await listen(options, target, pidFile, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

/** What crashes left of writes, in every folder that state is written to. */
async function sweep({ paths }: Config): Promise<void> {
  const layout = new StoreLayout(paths.models);
  const folders = [paths.home, join(paths.home, 'chats'), layout.manifests, layout.leases, layout.partial];
  await Promise.all(folders.map(sweepUnfinished));
}

async function listen(options: StartOptions, target: LogTarget, pidFile: PidFile, undo: Undo[]): Promise<Daemon> {
  const { config } = options;
  const { settings, paths } = config;
  const { log } = target;
  let stopping: Promise<void> | undefined;
  const stopped = Promise.withResolvers<void>();
  const endpoint: Endpoint = { host: settings['server.host'], port: 0, url: '', socket: paths.socket ?? null };
  const { deps, models } = await composeDaemon(options, log);
  undo.push(() => models.close(0));
  const tls = tlsFiles(config);
  const app = await buildApp({
    ...deps,
    ...(tls === undefined
      ? {}
      : {
          serverFactory: tlsServerFactory(tls, {
            onReload: () => log.info({}, 'the certificate was read again'),
            onError: (error) => log.error({ err: error }, 'the certificate before stays'),
          }),
        }),
    access: {
      origins: settings['server.origins'],
      apiKey: settings['server.api_key'],
      keysFile: paths.keysFile,
      needsKey: !isLoopback(endpoint.host) && !settings['server.insecure_no_auth'],
      checkHost: isLoopback(endpoint.host),
      onKeyError: (error) => log.error({ err: error }, 'the keys in force stay'),
    },
    stopping: () => stopping !== undefined,
    onResponse: options.onResponse,
    endpoint: () => endpoint,
    shutdown: () => void stop(),
    log,
  });
  undo.push(() => app.close());
  endpoint.port = await listenTcp(app, endpoint.host, settings['server.port']);
  endpoint.url = urlOf(endpoint, tls === undefined ? 'http' : 'https');
  const servers: Server[] = [];
  undo.push(() => closeServers(servers));
  if (paths.socket !== undefined) servers.push(await listenSocket(app, paths.socket));
  if (settings['server.also_ollama_port']) servers.push(await listenAlso(app, '127.0.0.1', PORT_OF_OLLAMA));
  for (const warning of config.warnings) log.warn({}, warning);
  log.info({ url: endpoint.url, socket: endpoint.socket, pid: process.pid, home: paths.home }, 'daemon started');

  function stop(): Promise<void> {
    stopping ??= (async () => {
      log.info({}, 'daemon stopping');
      options.onStopping?.();
      try {
        await stopAll(app, models, servers, settings['server.drain_timeout']);
      } catch (error) {
        log.error({ err: error }, 'stopping failed');
      }
      await pidFile.release();
      log.info({}, 'daemon stopped');
      target.close();
      stopped.resolve();
    })();
    return stopping;
  }
  const isBusy = (): boolean => models.running().some(({ activeRequests }) => activeRequests > 0);
  return { endpoint, log, isBusy, stop, stopped: stopped.promise };
}

async function stopAll(app: FastifyInstance, models: Models, servers: Server[], drainMs: number): Promise<void> {
  await models.close(drainMs);
  const all = [app.server, ...servers];
  const cut = setTimeout(() => {
    for (const server of all) server.closeAllConnections();
  }, CLOSE_MS);
  await Promise.all([app.close(), closeServers(servers)]);
  clearTimeout(cut);
}

async function closeServers(servers: Server[]): Promise<void> {
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeIdleConnections();
        }),
    ),
  );
}

/** Whoever can reach the daemon can use it, so beyond this machine a key is asked for. */
function requireKey({ settings, paths }: Config): void {
  const host = settings['server.host'];
  if (isLoopback(host) || settings['server.api_key'] !== '' || settings['server.insecure_no_auth']) return;
  if (new KeyFile(paths.keysFile).read().length > 0) return;
  throw new OmgError('invalid_config', `Listening on ${host} lets other machines in, and there is no API key.`, {
    hint: 'Make one with `omg keys create`, set OMG_API_KEY, or say --insecure-no-auth if the network is trusted.',
  });
}

async function answers(config: Config): Promise<boolean> {
  if (config.paths.socket !== undefined) return socketAnswers(config.paths.socket);
  return Client.of(config)
    .health(AbortSignal.timeout(1000))
    .then(
      () => true,
      () => false,
    );
}

/** Where the certificate is, when the settings name one. Throws `invalid_config` for half a pair. */
function tlsFiles({ settings }: Config): TlsFiles | undefined {
  const [cert, key] = [settings['server.tls_cert'], settings['server.tls_key']];
  if (cert === '' && key === '') return undefined;
  if (cert !== '' && key !== '') return { cert, key };
  throw new OmgError('invalid_config', `server.${cert === '' ? 'tls_cert' : 'tls_key'} is missing.`, {
    hint: 'TLS needs a certificate and its private key.',
  });
}

function urlOf({ host, port }: { host: string; port: number }, scheme: 'http' | 'https'): string {
  return baseUrl(scheme, reachableHost(host), port);
}
