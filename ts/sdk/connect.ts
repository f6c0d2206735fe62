import { Client } from '../client/index.ts';
import { loadConfig } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';

export interface ConnectOptions {
  /** Such as `http://127.0.0.1:10692`; absent: where the settings of omg say, its socket first. */
  url?: string;
  /** Absent: that of the settings (`OMG_API_KEY`). */
  apiKey?: string;
}

/** A client of the daemon. Starts none; the first call throws `daemon_not_running` where none answers. Throws `invalid_request` for a bad address. */
export async function connect({ url, apiKey }: ConnectOptions = {}): Promise<Client> {
  const config = await loadConfig(url === undefined ? {} : { flags: { 'server.host': hostOf(url) } });
  return Client.of(apiKey === undefined ? config : withKey(config, apiKey));
}

function hostOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new OmgError('invalid_request', `"${url}" is not an address.`, {
      hint: 'For example http://127.0.0.1:10692.',
    });
  }
  const port = parsed.port === '' ? (parsed.protocol === 'https:' ? '443' : '80') : parsed.port;
  return `${parsed.protocol}//${parsed.hostname}:${port}`;
}

function withKey(config: Awaited<ReturnType<typeof loadConfig>>, apiKey: string): typeof config {
  return { ...config, settings: { ...config.settings, 'server.api_key': apiKey } };
}
