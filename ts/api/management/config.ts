import type { FastifyInstance } from 'fastify';
import { type Config, displaySetting, isSettingKey, type SettingKey, specOf, unknownKey } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { ConfigPort } from './ports.ts';

/** GET and PATCH /ohmygpu/v1/config. Secrets are never shown. */
export function configRoutes(app: FastifyInstance, config: ConfigPort): void {
  app.get('/ohmygpu/v1/config', async () => configJson(config.current()));
  app.patch('/ohmygpu/v1/config', async (request) => {
    const changes = flatten(request.body);
    for (const key of Object.keys(changes))
      if (!isSettingKey(key) || specOf(key).file === false) throw unknownKey(key, 'config');
    const restart = await config.update(changes);
    return { ...configJson(config.current()), restart_required: restart };
  });
}

function configJson(config: Config): {
  config: Record<string, unknown>;
  sources: Record<string, string>;
  file: string;
} {
  const keys = (Object.keys(config.settings) as SettingKey[]).filter((key) => specOf(key).file !== false);
  return {
    config: Object.fromEntries(keys.map((key) => [key, displaySetting(key, config.settings[key])])),
    sources: Object.fromEntries(keys.map((key) => [key, config.sources[key]])),
    file: config.paths.configFile,
  };
}

/** Dotted keys, or tables as in the file. */
function flatten(body: unknown, prefix = ''): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new OmgError('invalid_request', 'The body must be an object of settings.', {
      hint: 'For example {"models.keep_alive":"10m"}; null takes a setting out.',
    });
  }
  const changes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      Object.assign(changes, flatten(value, key));
    else changes[key] = value as unknown;
  }
  return changes;
}
