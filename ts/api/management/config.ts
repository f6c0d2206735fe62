import type { FastifyInstance } from 'fastify';
import {
  type Config,
  displaySetting,
  isSettingKey,
  maySet,
  type SettingKey,
  specOf,
  unknownKey,
} from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { type Caller, callerOf } from '../wire/index.ts';
import type { ConfigPort } from './ports.ts';

/** GET and PATCH /ohmygpu/v1/config. Secrets are never shown, and a PATCH is taken over whole or not at all. */
export function configRoutes(app: FastifyInstance, config: ConfigPort): void {
  app.get('/ohmygpu/v1/config', async () => configJson(config.current()));
  app.patch('/ohmygpu/v1/config', async (request) => {
    const changes = flatten(request.body);
    checkKeys(Object.keys(changes), callerOf(request));
    const restart = await config.update(changes);
    return { ...configJson(config.current()), restart_required: restart };
  });
}

/** Throws `invalid_config` for unknown keys, `forbidden` for those that this caller may not set. */
function checkKeys(keys: string[], caller: Caller): void {
  const known = keys.map((key): SettingKey => {
    if (isSettingKey(key) && specOf(key).file !== false) return key;
    throw unknownKey(key, 'config');
  });
  const refused = caller.kind === 'owner' ? [] : known.filter((key) => !maySet('manage', key));
  const [first] = refused;
  if (first === undefined) return;
  throw new OmgError('forbidden', `Only the owner of the daemon may set ${refused.join(', ')}; nothing was changed.`, {
    hint: `On the machine of the daemon: \`omg config set ${first} …\`, or its variable in the environment, and a restart.`,
    detail: { keys: refused },
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

/** Longer than any that exists, so that deep tables end before they grow. */
const MAX_KEY_LENGTH = 100;

/** Dotted keys, or tables as in the file. */
function flatten(body: unknown, prefix = ''): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new OmgError('invalid_request', 'The body must be an object of settings.', {
      hint: 'For example {"models.keep_alive":"10m"}; null takes a setting out.',
    });
  }
  const changes: [string, unknown][] = [];
  for (const [name, value] of Object.entries(body)) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (key.length > MAX_KEY_LENGTH) throw unknownKey(`${key.slice(0, MAX_KEY_LENGTH)}…`, 'config');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const change of Object.entries(flatten(value, key))) changes.push(change);
    } else changes.push([key, value]);
  }
  // Also `__proto__` is a key that does not exist, and no prototype.
  return Object.fromEntries(changes);
}
