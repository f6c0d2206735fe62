import type { FastifyInstance } from 'fastify';
import { loadConfig, type Settings } from '../../config/index.ts';
import { type AppDeps, buildApp } from '../../daemon/index.ts';
import { FakeModels } from './fake-models.ts';

export interface FakeDaemon {
  app: FastifyInstance;
  models: FakeModels;
  settings: Settings;
}

/** The real HTTP side over scripted models; use `app.inject`, or `app.listen` where sockets matter. */
export async function fakeDaemon(overrides: Partial<AppDeps> = {}): Promise<FakeDaemon> {
  const { settings } = await loadConfig({ env: {}, cwd: '/' });
  const models = new FakeModels();
  const app = await buildApp({
    models,
    settings: () => settings,
    access: { origins: [], apiKey: '', checkHost: true },
    ...overrides,
  } as AppDeps);
  return { app, models, settings };
}
