import type { Dispatcher } from 'undici';
import { OmgError } from '../../errors/index.ts';
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
  #dispatcher: Promise<Dispatcher> | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#origin = new URL(options.endpoint).origin;
  }

  get hasToken(): boolean {
    return (this.#options.token ?? '') !== '';
  }

  /**
   * GETs a URL and follows redirects. Throws `TransientError` when no answer comes; an answer of any status is returned, and its body
   * has to be read or dropped.
   */
  async get(url: string, options: { range?: string; signal?: AbortSignal } = {}): Promise<HttpAnswer> {
    let at = new URL(url);
    const hubHeaders: Record<string, string> = {};
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const fromHub = at.origin === this.#origin;
      const response = await this.#send(at, fromHub, options);
      const headers = flatten(response.headers);
      if (fromHub) for (const [name, value] of Object.entries(headers)) hubHeaders[name] ??= value;
      if (!REDIRECTS.has(response.statusCode) || headers.location === undefined) {
        return { url: at.href, status: response.statusCode, headers, hubHeaders, fromHub, body: response.body };
      }
      await dropBody(response.body);
      at = this.#redirect(at, headers.location);
    }
    throw new OmgError('hub_error', `${this.#origin} redirects without end.`);
  }

  async close(): Promise<void> {
    const dispatcher = await this.#dispatcher;
    this.#dispatcher = undefined;
    await dispatcher?.destroy();
  }

  async #send(
    url: URL,
    fromHub: boolean,
    { range, signal }: { range?: string; signal?: AbortSignal },
  ): Promise<Dispatcher.ResponseData> {
    const { token, userAgent, stallTimeoutMs = 30_000 } = this.#options;
    this.#dispatcher ??= this.#makeDispatcher();
    const dispatcher = await this.#dispatcher;
    try {
      return await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: 'GET',
        headers: {
          'user-agent': userAgent ?? 'omg',
          accept: '*/*',
          // A compressed body could not be resumed or measured.
          'accept-encoding': 'identity',
          ...(range === undefined ? {} : { range }),
          ...(fromHub && this.hasToken ? { authorization: `Bearer ${token}` } : {}),
        },
        signal,
        headersTimeout: stallTimeoutMs,
        bodyTimeout: stallTimeoutMs,
      });
    } catch (error) {
      signal?.throwIfAborted();
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
    return to;
  }

  async #makeDispatcher(): Promise<Dispatcher> {
    const { connectTimeoutMs = 10_000, proxy } = this.#options;
    // Loaded when first used, so that a daemon which pulls nothing does not hold it in memory.
    const { EnvHttpProxyAgent } = await import('undici');
    return new EnvHttpProxyAgent({
      // Ranges of one file shall be connections of their own, not streams that share one.
      allowH2: false,
      connect: { timeout: connectTimeoutMs },
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
