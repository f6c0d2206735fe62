import { hostname, networkInterfaces } from 'node:os';
import type { Config } from '../config/index.ts';

/** Hosts that are this machine wherever it is. */
export const HERE = ['127.0.0.1', 'localhost', '::1', '0.0.0.0', '::'];

/** The other machine that a flag or the environment sends commands to; undefined where the daemon is one of this machine. */
export function hostElsewhere({ settings, sources }: Config): string | undefined {
  if (sources['server.host'] !== 'flag' && sources['server.host'] !== 'environment') return undefined;
  const host = settings['server.host'].toLowerCase();
  const own = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
  return [...HERE, hostname().toLowerCase(), ...own].includes(host) || host.startsWith('127.') ? undefined : host;
}
