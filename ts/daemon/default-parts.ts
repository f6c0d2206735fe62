import { basename, join } from 'node:path';
import { type Config, childEnvironment, hubToken, VERSION } from '../config/index.ts';
import { EngineRouter, LlamaServerDriver, parseFlags, RunnerEngine } from '../engine/index.ts';
import type { Engine } from '../inference/index.ts';
import type { ModelHub } from '../sources/index.ts';
import type { Log } from './log.ts';

export async function createEngine(log: Log, { paths }: Config): Promise<Engine> {
  return new RunnerEngine({
    backends: paths.backends,
    onFallback: ({ path, flavour }, reason) =>
      log.warn({ addon: path, reason }, `the engine ${flavour} does not work, and the next one is used`),
    onStderr: (line, runner) => log.info({ pid: runner.pid, model: basename(runner.model) }, line),
  });
}

/** Loaded when first needed: a daemon that pulls nothing carries no HTTP client. */
export async function createHub(config: Config, warn: (text: string) => void): Promise<ModelHub> {
  const { settings, paths } = config;
  const { Hub } = await import('../sources/index.ts');
  const { token, warning } = await hubToken(config);
  if (warning !== undefined) warn(warning);
  return new Hub({
    endpoint: settings['hub.endpoint'],
    token,
    userAgent: `omg/${VERSION}`,
    proxy: {
      http: settings['hub.http_proxy'],
      https: settings['hub.https_proxy'],
      no: settings['hub.no_proxy'],
    },
    otherStores: { huggingFaceCache: paths.huggingFaceCache, ollamaModels: paths.ollamaModels },
  });
}

/** Our engine with the drivers of the others beside it. They start nothing before a model is loaded into one. */
export function withDrivers(native: Engine, log: Log, { paths, settings }: Config): Engine {
  const environment = childEnvironment();
  const driver = new LlamaServerDriver({
    search: {
      named: settings['engines.llama_server'],
      path: environment.PATH,
      installed: join(paths.backends, 'llama-server'),
    },
    options: parseFlags(settings['engines.llama_args'], 'engines.llama_args'),
    environment,
    plan: (spec) => native.plan(spec),
    onLine: (line, model) => log.info({ engine: 'llama-server', model: basename(model) }, line),
  });
  return new EngineRouter(native, { 'llama-server': driver });
}
