import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

/** One step on the way to a site. */
export interface Hop {
  name: 'name' | 'connection' | 'proxy' | 'tls' | 'answer';
  ok: boolean;
  detail: string;
  ms: number;
}

export interface Proxies {
  http: string;
  https: string;
  no: string;
}

const HOP_MS = 8_000;

/** Goes to a site step by step, through a proxy where one is set, and stops at the first step that fails. Never throws. */
export async function reach(address: string, proxies: Proxies): Promise<Hop[]> {
  const url = new URL(address);
  const isTls = url.protocol === 'https:';
  const port = Number(url.port) || (isTls ? 443 : 80);
  const proxy = proxyFor(url, proxies);
  const first = proxy ?? url;
  const firstPort = proxy === undefined ? port : Number(proxy.port) || (proxy.protocol === 'https:' ? 443 : 80);
  const hops: Hop[] = [];
  let socket: Socket | undefined;
  const step = async (name: Hop['name'], work: () => Promise<string>): Promise<boolean> => {
    const start = performance.now();
    const [ok, detail] = await withPatience(work).then(
      (text): [boolean, string] => [true, text],
      (error: NodeJS.ErrnoException): [boolean, string] => [false, error.code ?? error.message],
    );
    hops.push({ name, ok, detail, ms: Math.round(performance.now() - start) });
    return ok;
  };
  const host = first.hostname.replace(/^\[|\]$/g, '');
  try {
    const isReached =
      (await step('name', async () => {
        const found = await lookup(host, { all: true });
        return `${host} is ${found.map(({ address: ip }) => ip).join(', ')}`;
      })) &&
      (await step('connection', async () => {
        socket = await opened(connect({ host, port: firstPort }));
        return `to ${socket.remoteAddress}:${firstPort}`;
      })) &&
      (proxy === undefined ||
        !isTls ||
        (await step('proxy', async () => {
          if (proxy.protocol === 'https:') socket = await secured(socket, host);
          return tunnel(socket, `${url.hostname}:${port}`, proxy);
        }))) &&
      (!isTls ||
        (await step('tls', async () => {
          const secure = await secured(socket, url.hostname);
          socket = secure;
          return `${secure.getProtocol()}, certificate by ${issuerOf(secure)}`;
        })));
    if (isReached)
      await step('answer', () => answer(socket, url, proxy !== undefined && !isTls ? url.href : undefined));
  } finally {
    socket?.destroy();
  }
  return hops;
}

/** The proxy that the environment asks for; undefined for none. */
export function proxyFor(url: URL, { http, https, no }: Proxies): URL | undefined {
  const chosen = url.protocol === 'https:' ? https || http : http;
  if (chosen === '' || !URL.canParse(chosen)) return undefined;
  const isExempt = no
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [name = '', port] = entry.replace(/^\*?\./, '').split(':');
      const isHost = url.hostname === name || url.hostname.endsWith(`.${name}`);
      return isHost && (port === undefined || port === (url.port || (url.protocol === 'https:' ? '443' : '80')));
    });
  return isExempt ? undefined : new URL(chosen);
}

function withPatience<Value>(work: () => Promise<Value>): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<Value>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${HOP_MS / 1000} s`)), HOP_MS);
  return Promise.race([work(), promise]).finally(() => clearTimeout(timer));
}

function opened(socket: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => socket.once('connect', () => resolve(socket)).once('error', reject));
}

function secured(socket: Socket | undefined, servername: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const isName = !/^[\d.]+$|:/.test(servername);
    const secure = connectTls({ socket, ...(isName ? { servername } : {}) });
    secure.once('secureConnect', () => resolve(secure)).once('error', reject);
  });
}

function issuerOf(socket: TLSSocket): string {
  const { issuer } = socket.getPeerCertificate();
  const name = issuer?.O ?? issuer?.CN;
  return (Array.isArray(name) ? name[0] : name) ?? 'unknown';
}

async function tunnel(socket: Socket | undefined, target: string, proxy: URL): Promise<string> {
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization =
    proxy.username === '' ? '' : `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
  const status = await exchange(socket, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`);
  if (status !== 200) throw new Error(`the proxy answers ${status}`);
  return `${proxy.host} leads to ${target}`;
}

async function answer(socket: Socket | undefined, url: URL, absolute: string | undefined): Promise<string> {
  const path = absolute ?? `${url.pathname}${url.search}`;
  const status = await exchange(
    socket,
    `GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: omg-doctor\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
  );
  if (status >= 400) throw new Error(`status ${status}`);
  return `status ${status}`;
}

/** Sends a request and gives the status of its answer. */
function exchange(socket: Socket | undefined, request: string): Promise<number> {
  return new Promise((resolve, reject) => {
    if (socket === undefined) return reject(new Error('there is no connection'));
    let text = '';
    const done = (finish: () => void): void => {
      socket.off('data', onData).off('error', onEnd).off('close', onEnd);
      // What may still fail is of no interest.
      socket.on('error', () => {});
      finish();
    };
    const onEnd = (error?: unknown): void =>
      done(() => reject(error instanceof Error ? error : new Error('the connection was closed')));
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
      if (status !== undefined && text.includes('\r\n\r\n')) done(() => resolve(Number(status)));
      else if (text.length > 65_536) onEnd(new Error('the answer is not HTTP'));
    };
    socket.on('data', onData).once('error', onEnd).once('close', onEnd);
    socket.write(request);
  });
}
