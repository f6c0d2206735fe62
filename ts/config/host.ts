/** Where a daemon of this machine that listens at `host` is reached from here: one at all addresses is so at the loopback one. */
export function reachableHost(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
}

/** The base address of a host, which may be a bare IPv6 address. */
export function baseUrl(scheme: 'http' | 'https', host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
