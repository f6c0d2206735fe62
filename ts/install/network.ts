import type { Config } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';

/** How the sites of packages and releases are reached. */
export interface Network {
  registry: string;
  releases: string;
  httpProxy?: string;
  httpsProxy?: string;
  noProxy?: string;
  /** Public keys, one of which must have signed what is fetched. Absent, as from `networkOf`: those that this program was made with. */
  keys?: readonly string[];
}

export function networkOf({ settings }: Config): Network {
  const given = (value: string): string | undefined => (value === '' ? undefined : value);
  return {
    registry: settings['update.registry'],
    releases: settings['update.releases'].replace(/\/+$/, ''),
    httpProxy: given(settings['hub.http_proxy']),
    httpsProxy: given(settings['hub.https_proxy']),
    noProxy: given(settings['hub.no_proxy']),
  };
}

/** What a failed request to a site means. */
export function downloadError(what: string, site: string, error: unknown): OmgError {
  if (error instanceof OmgError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EINTEGRITY') {
    return new OmgError('checksum_mismatch', `${what} does not match its checksum.`, {
      hint: 'It is damaged or was changed on its way. Nothing was changed here; try again.',
      cause: error,
    });
  }
  if (code === 'E404' || code === 'ETARGET') {
    return new OmgError('not_found', `${what} does not exist at ${site}.`, { cause: error });
  }
  if (code === 'ENOSPC') {
    return new OmgError('disk_full', `There is no room for ${what}.`, { cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new OmgError('permission_denied', `${what} could not be written (${code}).`, {
      hint: 'Run this as the person who installed omg.',
      cause: error,
    });
  }
  return new OmgError('download_failed', `${what} could not be fetched from ${site} (${code ?? message}).`, {
    hint: 'Check the network and HTTPS_PROXY, NO_PROXY; `omg doctor` tells more.',
    cause: error,
  });
}
