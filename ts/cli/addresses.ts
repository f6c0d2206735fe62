import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

const ALL_OF_IPV4 = '0.0.0.0';
const ALL_OF_IPV6 = '::';

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** Base addresses at which other machines reach a daemon that listens on all of this one's; none where it listens on a single address. */
export function addressesForOthers(
  { host, url }: { host: string; url: string },
  interfaces: Interfaces = networkInterfaces(),
): string[] {
  if (host !== ALL_OF_IPV4 && host !== ALL_OF_IPV6) return [];
  return Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .filter(({ internal, family, address }) => {
      // Addresses of a single link mean nothing without the name of the other machine's interface.
      const isReachable = family === 'IPv4' || (host === ALL_OF_IPV6 && !/^fe[89ab]/i.test(address));
      return !internal && isReachable;
    })
    .map(({ address, family }) => {
      const reached = new URL(url);
      reached.hostname = family === 'IPv6' ? `[${address}]` : address;
      return reached.origin;
    });
}
