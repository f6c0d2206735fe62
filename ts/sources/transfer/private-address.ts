import { lookup as lookUp } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { OmgError } from '../../errors/index.ts';

/** Addresses that mean another machine to whoever writes them than to us: loopback, private, link-local, and those for special uses. */
const PRIVATE = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  PRIVATE.addSubnet(network, bits, 'ipv4');
}
PRIVATE.addAddress('::', 'ipv6');
PRIVATE.addAddress('::1', 'ipv6');
for (const [network, bits] of [
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.addSubnet(network, bits, 'ipv6');
}

/** Whether a host, as it stands in a URL, is an address of this machine or its network, or a name that always means this machine. */
export function isPrivateHost(host: string): boolean {
  const bare = host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  const family = isIP(bare);
  if (family === 0) return bare === 'localhost' || bare.endsWith('.localhost');
  return PRIVATE.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}

/** Resolves names like `dns.lookup`, and refuses those that lead to a private address. */
export const lookUpPublic: LookupFunction = (host, options, callback) => {
  lookUp(host, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0);
    const inside = addresses.find(({ address }) => isPrivateHost(address));
    if (inside !== undefined) return callback(privateAddress(host), '', 0);
    if (options.all) return callback(null, addresses);
    const [first] = addresses;
    callback(null, first?.address ?? '', first?.family ?? 0);
  });
};

export function privateAddress(host: string): OmgError {
  return new OmgError(
    'hub_error',
    `A server redirects to ${host}, which is an address of this machine or its network.`,
    {
      hint: 'Nothing was sent there. Where a mirror of your own is meant, give its address instead of a public one.',
    },
  );
}
