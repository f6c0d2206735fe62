import type { NetworkInterfaceInfo } from 'node:os';
import { expect, test } from 'vitest';
import { addressesForOthers } from './addresses.ts';

const at = (address: string, internal = false) =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo;
const interfaces = {
  lo: [at('127.0.0.1', true), at('::1', true)],
  eth0: [at('192.168.1.7'), at('fe80::1'), at('2001:db8::7')],
  wlan0: [at('10.0.0.3')],
};

test.each([
  ['127.0.0.1', 'http://127.0.0.1:10692', []],
  ['192.168.1.7', 'http://192.168.1.7:10692', []],
  ['0.0.0.0', 'http://127.0.0.1:10692', ['http://192.168.1.7:10692', 'http://10.0.0.3:10692']],
  ['::', 'https://[::1]:8443', ['https://192.168.1.7:8443', 'https://[2001:db8::7]:8443', 'https://10.0.0.3:8443']],
])('a daemon on %s is reached by others where it listens for them', (host, url, expected) => {
  expect(addressesForOthers({ host, url }, interfaces)).toEqual(expected);
});
