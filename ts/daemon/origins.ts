import { isIP } from 'node:net';
import { networkInterfaces, hostname as ownHostname } from 'node:os';

const LOCAL_HOSTS = ['localhost', '127.0.0.1', '0.0.0.0', '[::1]'];
const APP_SCHEMES = ['app', 'file', 'tauri', 'vscode-webview', 'vscode-file'];

interface Pattern {
  scheme: RegExp;
  host: RegExp;
  /** Empty: the scheme's own port only. */
  port: RegExp;
}

/** Decides about `Origin` headers. Patterns are matched on scheme, host and port, never on a raw prefix. */
export class OriginPolicy {
  readonly allowsAll: boolean;
  readonly #patterns: Pattern[];

  constructor(origins: readonly string[]) {
    this.allowsAll = origins.includes('*');
    const local = ['http', 'https'].flatMap((scheme) =>
      LOCAL_HOSTS.flatMap((host) => [`${scheme}://${host}`, `${scheme}://${host}:*`]),
    );
    const apps = APP_SCHEMES.map((scheme) => `${scheme}://*`);
    this.#patterns = [...local, ...apps, ...origins].map(parsePattern).filter((pattern) => pattern !== undefined);
  }

  allows(origin: string): boolean {
    if (this.allowsAll) return true;
    const parts = splitOrigin(origin);
    if (parts === undefined) return false;
    return this.#patterns.some(
      ({ scheme, host, port }) => scheme.test(parts.scheme) && host.test(parts.host) && port.test(parts.port),
    );
  }
}

function splitOrigin(text: string): { scheme: string; host: string; port: string } | undefined {
  const match = /^([a-z*][a-z0-9+.*-]*):\/\/(\[[0-9a-f:]+\]|[^/:?#@\s]*)(?::(\d+|\*))?\/?$/i.exec(text.trim());
  if (!match) return undefined;
  return { scheme: (match[1] ?? '').toLowerCase(), host: (match[2] ?? '').toLowerCase(), port: match[3] ?? '' };
}

function parsePattern(text: string): Pattern | undefined {
  const parts = splitOrigin(text.includes('://') ? text : `http*://${text}`);
  if (parts === undefined) return undefined;
  const anyPort = parts.host === '*' && parts.port === '';
  return { scheme: glob(parts.scheme), host: glob(parts.host), port: anyPort ? /^\d*$/ : glob(parts.port) };
}

function glob(text: string): RegExp {
  return new RegExp(
    `^${text
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  );
}

/** Names that Docker gives to the machine of a container. Others below `.internal` are whatever the network says they are. */
const CONTAINER_NAMES = ['host.docker.internal', 'gateway.docker.internal'];

/**
 * The host of a Host header, without port and brackets, lower case; empty where none was sent. Undefined for what is no host and port: nothing
 * of it is guessed.
 */
export function hostOf(header: string | undefined): string | undefined {
  const text = (header ?? '').trim().toLowerCase();
  if (text === '') return '';
  const [, address, name] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?))(?::\d{0,5})?$/.exec(text) ?? [];
  if (address !== undefined) return isIP(address) === 6 ? address : undefined;
  return name?.replace(/\.$/, '');
}

/**
 * Whether a host can only be this machine, by its address or a name that nobody else can give away. Whoever answers on the network for any other
 * name, `*.local` ones among them, can point it here once a page of theirs is open.
 */
export function isLocalHost(host: string | undefined): boolean {
  if (host === undefined) return false;
  if (host === '' || host === 'localhost' || host.endsWith('.localhost')) return true;
  if (ownNames().includes(host) || CONTAINER_NAMES.includes(host)) return true;
  if (isIP(host) === 0) return false;
  return (
    isPrivateAddress(host) ||
    Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === host))
  );
}

/** As it is set, and as multicast DNS shows it. */
function ownNames(): string[] {
  const name = ownHostname().toLowerCase();
  const base = name.replace(/\.local$/, '');
  return [name, base, `${base}.local`];
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host) || /^::ffff:127\./.test(host);
}

function isPrivateAddress(address: string): boolean {
  if (isLoopback(address) || address === '0.0.0.0' || address === '::') return true;
  if (isIP(address) === 6) return /^f[cd]/.test(address) || /^fe[89ab]/.test(address);
  return (
    /^10\./.test(address) ||
    /^192\.168\./.test(address) ||
    /^172\.(1[6-9]|2\d|3[01])\./.test(address) ||
    /^169\.254\./.test(address)
  );
}
