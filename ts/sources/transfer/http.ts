import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { OmgError } from '../../errors/index.ts';
import { isPrivateHost, lookUpPublic, privateAddress } from './private-address.ts';
import { TransientError } from './retry.ts';

export interface HttpOptions {
  /** Where the token may go: the hub's own origin, and nowhere else. */
  endpoint: string;
  token?: string;
  userAgent?: string;
  connectTimeoutMs?: number;
  /** Longest wait for an answer, and then between two bytes of it. */
  stallTimeoutMs?: number;
  /** Absent: `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`. */
  proxy?: { http?: string; https?: string; no?: string };
}

export interface HttpRequest {
  /** Default `GET`, which alone follows redirects. */
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  /** Lower-case names. */
  headers?: Record<string, string>;
  body?: string | Buffer | Readable;
  range?: string;
  /** Instead of the client's own token. Goes to the client's origin only, as that does. */
  authorization?: string;
  signal?: AbortSignal;
}

export interface HttpAnswer {
  /** Where the answer came from after all redirects. */
  url: string;
  status: number;
  /** Lower-case names; of repeated headers the first. */
  headers: Record<string, string>;
  /** Headers of the hub's own answers on the way, which tell about the file; of several the first. */
  hubHeaders: Record<string, string>;
  /** False once a redirect led away from the hub. */
  fromHub: boolean;
  body: Dispatcher.ResponseData['body'];
}

const MAX_REDIRECTS = 8;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Speaks HTTP to the hub and to the hosts it redirects to. */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #origin: string;
  readonly #isPublic: boolean;
  #dispatcher: Promise<Dispatcher> | undefined;
  /** For where redirects lead. */
  #publicDispatcher: Promise<Dispatcher> | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    const { origin, hostname } = new URL(options.endpoint);
    this.#origin = origin;
    this.#isPublic = !isPrivateHost(hostname);
  }

  get hasToken(): boolean {
    return (this.#options.token ?? '') !== '';
  }

  /**
   * Sends a request; a GET follows redirects, from a public host to public addresses only. Throws `TransientError` when no answer comes; an
   * answer of any status is returned, and its body has to be read or dropped.
   */
  async request(url: string, options: HttpRequest = {}): Promise<HttpAnswer> {
    let at = new URL(url);
    const hubHeaders: Record<string, string> = {};
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const fromHub = at.origin === this.#origin;
      const response = await this.#send(at, fromHub, options);
      const headers = flatten(response.headers);
      if (fromHub) for (const [name, value] of Object.entries(headers)) hubHeaders[name] ??= value;
      const follows = options.method === undefined && REDIRECTS.has(response.statusCode);
      if (!follows || headers.location === undefined) {
        return { url: at.href, status: response.statusCode, headers, hubHeaders, fromHub, body: response.body };
      }
      await dropBody(response.body);
      at = this.#redirect(at, headers.location);
    }
    throw new OmgError('hub_error', `${this.#origin} redirects without end.`);
  }

  async close(): Promise<void> {
    const dispatchers = await Promise.all([this.#dispatcher, this.#publicDispatcher]);
    this.#dispatcher = undefined;
    this.#publicDispatcher = undefined;
    await Promise.all(dispatchers.map((dispatcher) => dispatcher?.destroy()));
  }

  async #send(
    url: URL,
    fromHub: boolean,
    { method = 'GET', headers, body, range, authorization, signal }: HttpRequest,
  ): Promise<Dispatcher.ResponseData> {
    const { token, userAgent, stallTimeoutMs = 30_000 } = this.#options;
    const credentials = authorization ?? (this.hasToken ? `Bearer ${token}` : undefined);
    const dispatcher = await this.#dispatcherFor(fromHub);
    try {
      return await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        body: body ?? null,
        headers: {
          'user-agent': userAgent ?? 'omg',
          accept: '*/*',
          // A compressed body could not be resumed or measured.
          'accept-encoding': 'identity',
          ...(range === undefined ? {} : { range }),
          ...headers,
          ...(fromHub && credentials !== undefined ? { authorization: credentials } : {}),
        },
        signal,
        headersTimeout: stallTimeoutMs,
        bodyTimeout: stallTimeoutMs,
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof OmgError) throw error;
      throw connectionLost(url.host, error);
    }
  }

  #redirect(from: URL, location: string): URL {
    let to: URL;
    try {
      to = new URL(location, from);
    } catch {
      throw new OmgError('hub_error', `${from.host} redirects to an address that is not valid.`);
    }
    const downgrade = from.protocol === 'https:' && to.protocol !== 'https:';
    if (downgrade || (to.protocol !== 'https:' && to.protocol !== 'http:')) {
      throw new OmgError(
        'hub_error',
        `${from.host} redirects to an address that is not safe (${to.protocol}//${to.host}).`,
      );
    }
    if (this.#isPublic && isPrivateHost(to.hostname)) throw privateAddress(to.host);
    return to;
  }

  /** Where a public host redirects to has to be public, too, also by what its name resolves to. */
  #dispatcherFor(fromHub: boolean): Promise<Dispatcher> {
    if (fromHub || !this.#isPublic) {
      this.#dispatcher ??= this.#makeDispatcher();
      return this.#dispatcher;
    }
    this.#publicDispatcher ??= this.#makeDispatcher(lookUpPublic);
    return this.#publicDispatcher;
  }

  async #makeDispatcher(lookup?: LookupFunction): Promise<Dispatcher> {
    const { connectTimeoutMs = 10_000, proxy } = this.#options;
    // Loaded when first used, so that a daemon which pulls nothing does not hold it in memory.
    const { EnvHttpProxyAgent } = await import('undici');
    return new EnvHttpProxyAgent({
      // Ranges of one file shall be connections of their own, not streams that share one.
      allowH2: false,
      connect: { timeout: connectTimeoutMs, ...(lookup === undefined ? {} : { lookup }) },
      ...(proxy?.http === undefined ? {} : { httpProxy: proxy.http }),
      ...(proxy?.https === undefined ? {} : { httpsProxy: proxy.https }),
      ...(proxy?.no === undefined ? {} : { noProxy: proxy.no }),
    });
  }
}

/** The error of a connection that could not be made, was cut or has stalled. */
export function connectionLost(host: string, error: unknown): TransientError {
  const { code } = error as NodeJS.ErrnoException;
  const unreachable: Record<string, string> = {
    ENOTFOUND: 'its name cannot be resolved',
    EAI_AGAIN: 'its name cannot be resolved',
    ECONNREFUSED: 'the connection was refused',
    UND_ERR_CONNECT_TIMEOUT: 'it does not answer in time',
    UND_ERR_HEADERS_TIMEOUT: 'it does not answer in time',
  };
  const why = unreachable[code ?? ''];
  const lost = code === 'UND_ERR_BODY_TIMEOUT' ? 'nothing came for too long' : messageOf(error);
  const message =
    why === undefined ? `The connection to ${host} was lost: ${lost}.` : `${host} cannot be reached: ${why}.`;
  return new TransientError(
    new OmgError('hub_unreachable', message, {
      hint: 'Check the network and HF_ENDPOINT, HTTPS_PROXY, NO_PROXY. What has been downloaded is kept.',
      cause: error,
    }),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Reads a body of at most `limit` bytes as text. */
export async function readText(answer: HttpAnswer, host: string, limit: number, signal?: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.body) {
      size += chunk.length;
      if (size > limit) throw new OmgError('hub_error', `The answer of ${host} is too long.`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof OmgError) throw error;
    signal?.throwIfAborted();
    throw connectionLost(host, error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Ends a body that nobody wants; a short one is read so that its connection can be used again. */
export async function dropBody(body: Dispatcher.ResponseData['body']): Promise<void> {
  body.on('error', () => {});
  await body.dump({ limit: 16_384 }).catch(() => {});
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) flat[name.toLowerCase()] = first;
  }
  return flat;
}
