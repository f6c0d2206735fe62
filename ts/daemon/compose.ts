import { basename, join } from 'node:path';
import { ConfigurationFile } from '../api/docker/index.ts';
import type { ManagementDeps, SearchHit } from '../api/management/index.ts';
import { readChat } from '../api/openai/index.ts';
import { type CatalogEntry, Metrics } from '../api/service/index.ts';
import { ChatTemplates } from '../chat/index.ts';
import { type SettingKey, type Settings, writeSettings } from '../config/index.ts';
import type { Engine, LoadSpec } from '../inference/index.ts';
import {
  demoModel,
  displayName,
  findLocalModel,
  Library,
  readAliases,
  receiveBlob,
  writeAlias,
} from '../library/index.ts';
import { judgeModel, judgeRemote, type Limits, ModelManager, type Models, withoutFolder } from '../lifecycle/index.ts';
import type { Judge } from '../sources/index.ts';
import type { AppDeps } from './app.ts';
import { createEngine, createHub, withDrivers } from './default-parts.ts';
import type { Log } from './log.ts';
import type { StartOptions } from './options.ts';
import { answerFields, currentRequestLine } from './request-line.ts';

export interface Composition {
  models: Models;
  deps: Omit<AppDeps, 'access' | 'endpoint' | 'shutdown'>;
}

/** Settings that take effect while the daemon runs; the others need a restart. */
const LIVE_KEYS: readonly SettingKey[] = [
  'api.ollama_version',
  'engines.default',
  'api.reasoning_field',
  'api.claude_model',
  'compat.templated_completions',
];

/** Puts the store, the hub, the engine and the life cycle together. */
export async function composeDaemon({ config, reload, parts = {} }: StartOptions, log: Log): Promise<Composition> {
  const { paths, settings } = config;
  const engine = withDrivers(parts.engine ?? (await createEngine(log, config)), log, config);
  const aliasesFile = join(paths.home, 'aliases.yaml');
  const library = new Library({
    modelsDir: paths.models,
    aliasesFile,
    bundled: [demoModel()],
  });
  const hub = once(parts.hub ?? (() => createHub(config, (warning) => log.warn({}, warning))));
  const metrics = settings['server.disable_metrics'] ? undefined : new Metrics();
  const limits = limitsOf(settings);
  const judge: Judge = (path, about) => judgeRemote(engine, path, about, defaultSpec(limits));
  const configurations = await ConfigurationFile.open(join(paths.home, 'configurations.json'));
  if (configurations.problem !== undefined) log.warn({}, configurations.problem);
  let current = config;
  const models: ModelManager = new ModelManager({
    engine,
    library,
    templates: new ChatTemplates(undefined, join(paths.home, 'template-verdicts.json')),
    puller: {
      pull: async (spec, { signal, onProgress }) => (await hub()).pull(spec, { library, signal, judge, onProgress }),
    },
    limits,
    setUp: ({ digest }) => ({
      ...configurations.of(digest),
      engine: configurations.of(digest)?.engine ?? current.settings['engines.default'],
    }),
    log,
    observe: () => {
      const tell = currentRequestLine()?.begin();
      return (record) => {
        metrics?.observe(record);
        if (tell === undefined) log.info({ ...answerFields(record), ms: Math.round(record.durationMs) }, 'answered');
        else tell(record);
      };
    },
  });
  const devices = once(() => engine.devices());
  const deps: Composition['deps'] = {
    models,
    configurations,
    settings: () => current.settings,
    devices,
    search: async (query, limit, signal): Promise<SearchHit[]> => (await hub()).search(query, limit, signal),
    remoteModel: async (name, signal) => (await hub()).resolveRemote(name, library, signal),
    previewModel: async (spec, signal) => (await hub()).resolveRemote(spec, library, signal, judge),
    ...(metrics === undefined ? {} : { metrics }),
    plan: (spec) => withoutFolder(spec.path, engine.plan({ ...defaultSpec(limits), ...spec })),
    catalog,
    readChat: (body) => readChat(models, body),
    store: storePort(library, engine, aliasesFile),
    blobs: {
      has: async (sha256) => (await library.findBlob(sha256)) !== undefined,
      put: (sha256, bytes, size) => receiveBlob(library, sha256, bytes, size),
    },
    config: {
      current: () => current,
      async update(changes) {
        await writeSettings(paths.configFile, changes);
        const next = await reload();
        const keys = (Object.keys(changes) as SettingKey[]).filter((key) => !LIVE_KEYS.includes(key));
        current = next;
        return keys;
      },
    },
  };
  return { models, deps };
}

function storePort(library: Library, engine: Engine, aliasesFile: string): ManagementDeps['store'] {
  return {
    gc: ({ dryRun, partial }) => library.gc({ dryRun, ...(partial ? { partialAgeMs: 0 } : {}) }),
    aliases: () => readAliases(aliasesFile),
    setAlias: (alias, target) => writeAlias(aliasesFile, alias, target),
    check: async (path) => {
      const model = await findLocalModel(path);
      return judgeModel(engine, model.path, { name: basename(path) });
    },
    async import(path, { name, copy, force, signal, onProgress }) {
      const { record, method } = await library.import(path, {
        name,
        mode: copy ? 'copy' : 'link',
        ...(force ? {} : { inspect: (file: string) => judgeModel(engine, file, { name: basename(path) }) }),
        signal,
        onProgress,
      });
      return { name: displayName(record.name), method };
    },
  };
}

function limitsOf(settings: Settings): Partial<Limits> {
  return {
    keepAliveMs: settings['models.keep_alive'],
    maxQueue: settings['models.max_queue'],
    maxLoadedModels: settings['models.max_loaded'],
    numParallel: settings['models.num_parallel'],
    loadTimeoutMs: settings['models.load_timeout'],
    unreadMs: settings['server.unread_timeout'],
    ...(settings['models.context_length'] === 0 ? {} : { contextLength: settings['models.context_length'] }),
    // Settings have been checked for their form when they were read.
    device: settings['models.device'] as Limits['device'],
    ...(settings['models.threads'] === 0 ? {} : { threads: settings['models.threads'] }),
  };
}

/** What a load that asks for nothing asks the engine for. */
function defaultSpec({ device, threads, numParallel, contextLength }: Partial<Limits>): Partial<LoadSpec> {
  return {
    device,
    maxSequences: numParallel,
    ...(threads === undefined ? {} : { threads }),
    ...(contextLength === undefined ? {} : { contextLength }),
  };
}

/** The table is the hub's, whose code is loaded when it is first needed. */
async function catalog(): Promise<CatalogEntry[]> {
  const { CATALOG } = await import('../sources/index.ts');
  return Object.entries(CATALOG).flatMap(([model, tags]) =>
    Object.entries(tags).map(([tag, repo]) => ({ name: `${model}:${tag}`, repo })),
  );
}

/** Runs at the first call; a failure is not kept, so that the next call tries again. */
function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
