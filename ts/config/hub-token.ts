import type { Config, SettingSource } from './load.ts';
import { readRegularFile } from './regular-file.ts';
import { SETTINGS } from './settings.ts';

export interface HubToken {
  /** Empty: none is sent. */
  token: string;
  /** Why one that there is stays here, and what to do about it. */
  warning?: string;
}

/** Tokens have 37 characters; those that are signed documents may have a few thousand. */
const MAX_BYTES = 8 * 1024;
const TOKEN = /^[A-Za-z0-9._~+/=-]+$/;

const WHERE: Record<SettingSource, string> = {
  flag: 'on the command line',
  environment: 'in the environment',
  project: 'in the project',
  user: 'in config.toml',
  default: 'by default',
};

/**
 * The token for the hub of the settings. It goes to the public hub, or to a hub that was set where the token was: a token that someone keeps for
 * one hub must not follow when something else changes the address. The file that the Hugging Face tools keep counts as the environment.
 */
export async function hubToken(config: Config): Promise<HubToken> {
  const { settings, sources } = config;
  const found =
    settings['hub.token'] !== ''
      ? { token: settings['hub.token'], source: sources['hub.token'], name: 'hub.token' }
      : await tokenOfFile(config);
  if (found === undefined) return { token: '' };
  if ('warning' in found) return { token: '', warning: found.warning };
  const { token, source, name } = found;
  if (!TOKEN.test(token)) return { token: '', warning: `${name} holds no token. None is sent to the hub.` };
  const endpoint = settings['hub.endpoint'];
  const endpointSource = sources['hub.endpoint'];
  const isPublic = new URL(endpoint).origin === new URL(SETTINGS['hub.endpoint'].default).origin;
  if (isPublic || source === endpointSource) return { token };
  const remedy =
    endpointSource === 'user'
      ? '`omg config set hub.token …` sets it beside the address'
      : endpointSource === 'environment'
        ? 'HF_TOKEN sets it beside HF_ENDPOINT'
        : 'set both in one place';
  const warning = `The hub is set to ${endpoint} ${WHERE[endpointSource]}, and the token ${WHERE[source]} (${name}): it is not sent there. If it is meant for that hub, ${remedy}.`;
  return { token: '', warning };
}

type Found = { token: string; source: SettingSource; name: string } | { warning: string } | undefined;

async function tokenOfFile({ sources, paths }: Config): Promise<Found> {
  const path = paths.huggingFaceToken;
  const file = await readRegularFile(path, MAX_BYTES);
  const isSet = sources['hub.token_file'] !== 'default';
  // The tools of Hugging Face may never have been used here.
  if (file === undefined) return isSet ? { warning: `${path} (hub.token_file) does not exist.` } : undefined;
  if ('refused' in file) return { warning: `${path} ${file.refused}. No token is sent to the hub.` };
  const token = file.text.trim();
  if (token === '') return undefined;
  const named = isSet ? sources['hub.token_file'] : sources['hub.home'];
  return { token, source: named === 'default' ? 'environment' : named, name: path };
}
