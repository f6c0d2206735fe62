import { createReadStream } from 'node:fs';
import { baseUrl, type Config, reachableHost } from '../config/index.ts';
import { type CompletionLine, completionPieces } from './completion.ts';
import { errorFromValue } from './errors.ts';
import { HERE } from './host-elsewhere.ts';
import { chatPieces, sseData } from './sse.ts';
import { type Address, linesOf, type NetworkAddress, Transport } from './transport.ts';
import type {
  Alias,
  CatalogEntry,
  ChatBody,
  ChatPiece,
  CompletionBody,
  DaemonEvent,
  DaemonStatus,
  EmbedBody,
  EmbedReply,
  GcReply,
  Hardware,
  Health,
  ImportLine,
  ModelConfiguration,
  ModelEntry,
  ModelOutline,
  PlanBody,
  PlanReply,
  PullLine,
  PullPreview,
  PullStatus,
  SearchHit,
  ShowReply,
} from './types.ts';

export interface PullBody {
  model: string;
  revision?: string;
  quant?: string;
  file?: string;
  force?: boolean;
}

/** The body of `POST /api/create`. */
export interface CreateBody {
  model: string;
  from?: string;
  files?: Record<string, string>;
  adapters?: Record<string, string>;
  template?: string;
  system?: string;
  license?: string[];
  parameters?: Record<string, unknown>;
  messages?: { role: string; content: string }[];
  quantize?: string;
  renderer?: string;
  parser?: string;
  requires?: string;
}

/**
 * Where the daemon of the settings is. An address that a flag or the environment names is meant as it stands; else the
 * socket of the home folder comes first, which needs no key.
 */
export function addressesOf({ settings, sources, paths }: Config): NetworkAddress[] {
  const host = settings['server.host'];
  const port = settings['server.port'];
  const named = [sources['server.host'], sources['server.port']].some(
    (source) => source === 'flag' || source === 'environment',
  );
  const isHere = HERE.includes(host);
  const certFile = settings['server.tls_cert'];
  const tls = certFile !== '' ? { tls: { certFile } } : settings['server.https'] ? { tls: {} } : {};
  const tcp = { host: reachableHost(host), port, ...tls };
  // Port 0 is taken where it is free, so nobody can be found there.
  if (paths.socket === undefined || !isHere || (named && port !== 0)) return [tcp];
  return [{ socketPath: paths.socket }, tcp];
}

/** The TCP address that the settings name, where that and no socket is the way to the daemon; undefined: only the daemon knows. */
export function namedAddress(config: Config): { url: string; host: string; port: number } | undefined {
  const [address, ...others] = addressesOf(config);
  if (address === undefined || 'socketPath' in address || others.length > 0 || address.port === 0) return undefined;
  const { host, port, tls } = address;
  return {
    url: baseUrl(tls === undefined ? 'http' : 'https', host, port),
    host,
    port,
  };
}

/** Typed calls of the daemon's routes. Every failure is an `OmgError` with the code that the daemon gave. */
export class Client {
  readonly #transport: Transport;

  /** The addresses are tried in order. */
  constructor(addresses: Address[], apiKey = '') {
    this.#transport = new Transport(addresses, apiKey);
  }

  /** The daemon that the settings point to. */
  static of(config: Config): Client {
    return new Client(addressesOf(config), config.settings['server.api_key']);
  }

  health(signal?: AbortSignal): Promise<Health> {
    return this.#transport.json('GET', '/health', { signal });
  }

  status(): Promise<DaemonStatus> {
    return this.#transport.json('GET', '/ohmygpu/v1/status');
  }

  hardware(): Promise<Hardware> {
    return this.#transport.json('GET', '/ohmygpu/v1/hardware');
  }

  /** Asks the daemon to stop; it drains first. */
  async shutdown(): Promise<void> {
    await this.#transport.json('POST', '/ohmygpu/v1/shutdown');
  }

  async list(): Promise<ModelEntry[]> {
    return (await this.#transport.json<{ models: ModelEntry[] }>('GET', '/ohmygpu/v1/models')).models;
  }

  model(name: string): Promise<ModelEntry> {
    return this.#transport.json('GET', `/ohmygpu/v1/models/${encodeURIComponent(name)}`);
  }

  show(name: string, verbose = false): Promise<ShowReply> {
    return this.#transport.json('POST', '/api/show', { body: { model: name, verbose } });
  }

  /** Loads a model and waits for it. */
  start(
    name: string,
    options: { keep_alive?: string | number; context_length?: number } = {},
    signal?: AbortSignal,
  ): Promise<ModelEntry> {
    return this.#transport.json('POST', `/ohmygpu/v1/models/${encodeURIComponent(name)}/start?wait=true`, {
      body: options,
      signal,
    });
  }

  /** @param timeoutSeconds after which answers under way are cancelled; absent: they are waited for. */
  stop(name: string, timeoutSeconds?: number): Promise<{ stopped: boolean }> {
    const query = timeoutSeconds === undefined ? '' : `?timeout=${timeoutSeconds}`;
    return this.#transport.json('POST', `/ohmygpu/v1/models/${encodeURIComponent(name)}/stop${query}`);
  }

  async remove(name: string): Promise<void> {
    await this.#transport.json('DELETE', '/api/delete', { body: { model: name } });
  }

  async copy(source: string, destination: string): Promise<void> {
    await this.#transport.json('POST', '/api/copy', { body: { source, destination } });
  }

  importModel(path: string, options: { name?: string; copy?: boolean; force?: boolean } = {}): Promise<ModelEntry> {
    return this.#transport.json('POST', '/ohmygpu/v1/models/import', { body: { path, ...options } });
  }

  /** How far an import is, ending with status `success` and the model. Leaving the loop stops it. */
  importing(
    path: string,
    options: { name?: string; copy?: boolean; force?: boolean } = {},
    signal?: AbortSignal,
  ): AsyncGenerator<ImportLine> {
    return this.#lines('/ohmygpu/v1/models/import', { path, ...options }, signal);
  }

  /** What the model at a path of the daemon's machine is. Throws what an import would refuse it with. */
  checkModel(path: string): Promise<ModelOutline> {
    return this.#transport.json('POST', '/ohmygpu/v1/models/import', { body: { path, dry_run: true } });
  }

  /** Sets how a model is loaded, and begins to load it. */
  async configure(body: { model: string; 'context-size'?: number; keep_alive?: string }): Promise<void> {
    await this.#transport.json('POST', '/engines/_configure', { body });
  }

  /** What was set for the loads of a model, or of all. */
  configurations(model?: string): Promise<ModelConfiguration[]> {
    const query = model === undefined ? '' : `?model=${encodeURIComponent(model)}`;
    return this.#transport.json('GET', `/engines/_configure${query}`);
  }

  /** @param partial also downloads that have stopped and could go on. */
  gc(options: { dryRun?: boolean; partial?: boolean } = {}): Promise<GcReply> {
    const body = { dry_run: options.dryRun ?? false, partial: options.partial ?? false };
    return this.#transport.json('POST', '/ohmygpu/v1/models/gc', { body });
  }

  async search(query: string, limit = 20, signal?: AbortSignal): Promise<SearchHit[]> {
    const path = `/ohmygpu/v1/search?q=${encodeURIComponent(query)}&limit=${limit}`;
    return (await this.#transport.json<{ models: SearchHit[] }>('GET', path, { signal })).models;
  }

  async aliases(): Promise<Alias[]> {
    return (await this.#transport.json<{ aliases: Alias[] }>('GET', '/ohmygpu/v1/aliases')).aliases;
  }

  async setAlias(alias: string, target: string): Promise<void> {
    await this.#transport.json('PUT', '/ohmygpu/v1/aliases', { body: { alias, target } });
  }

  /** Throws `not_found`. */
  async removeAlias(alias: string): Promise<void> {
    await this.#transport.json('PUT', '/ohmygpu/v1/aliases', { body: { alias, target: null } });
  }

  /** The built-in short names. */
  async catalog(): Promise<CatalogEntry[]> {
    return (await this.#transport.json<{ models: CatalogEntry[] }>('GET', '/ohmygpu/v1/catalog')).models;
  }

  /** The memory a model would take, from its headers. */
  plan(body: PlanBody, signal?: AbortSignal): Promise<PlanReply> {
    return this.#transport.json('POST', '/v1/plan', { body, signal });
  }

  /** A vector of unit length per text. */
  embed(body: EmbedBody, signal?: AbortSignal): Promise<EmbedReply> {
    return this.#transport.json('POST', '/api/embed', { body, signal });
  }

  /** Progress lines, ending with status `success`. Leaving the loop stops the download unless others wait for it. */
  pull(body: PullBody, signal?: AbortSignal): AsyncGenerator<PullLine> {
    return this.#lines('/v1/models/pull', body, signal);
  }

  /** What a pull would bring. Throws what a pull refuses before the weights come. */
  preview(body: PullBody, signal?: AbortSignal): Promise<PullPreview> {
    return this.#transport.json('POST', '/v1/models/preview', { body, signal });
  }

  /** Progress lines, ending with status `success`. */
  create(body: CreateBody, signal?: AbortSignal): AsyncGenerator<PullLine> {
    return this.#lines('/api/create', body, signal);
  }

  /** The lines of a route that tells how far it is. */
  async *#lines<Line>(path: string, body: object, signal?: AbortSignal): AsyncGenerator<Line> {
    const response = await this.#transport.open('POST', path, { body: { ...body, stream: true }, signal });
    for await (const line of linesOf(response, signal)) {
      const value: unknown = JSON.parse(line);
      const error = errorFromValue(value);
      if (error !== undefined) throw error;
      yield value as Line;
    }
  }

  /** Whether the daemon has a file with this digest (`sha256:…`). */
  async hasBlob(digest: string): Promise<boolean> {
    const response = await this.#transport.send('HEAD', `/api/blobs/${digest}`);
    response.resume();
    return response.statusCode === 200;
  }

  /** @param onSent gets the bytes that have been handed to the connection so far. */
  async putBlob(
    digest: string,
    path: string,
    size: number,
    signal?: AbortSignal,
    onSent: (bytes: number) => void = () => {},
  ): Promise<void> {
    const open = () => {
      let sent = 0;
      return createReadStream(path, { highWaterMark: 1 << 20 }).on('data', (chunk) => {
        sent += chunk.length;
        onSent(sent);
      });
    };
    const upload = { open, size };
    (await this.#transport.open('POST', `/api/blobs/${digest}`, { upload, signal })).resume();
  }

  pullState(id: string): Promise<PullStatus> {
    return this.#transport.json('GET', `/v1/models/pull/${encodeURIComponent(id)}`);
  }

  /** One streamed answer over `/v1/chat/completions`. Leaving the loop, or aborting, stops it. */
  async *chat(body: ChatBody, signal?: AbortSignal): AsyncGenerator<ChatPiece> {
    const response = await this.#transport.open('POST', '/v1/chat/completions', {
      body: { ...body, stream: true, stream_options: { include_usage: true } },
      signal,
      accept: 'text/event-stream',
    });
    yield* chatPieces(sseData(linesOf(response, signal)));
  }

  /** One streamed text over `/api/generate`, raw: no template is applied. Leaving the loop, or aborting, stops it. */
  async *complete(body: CompletionBody, signal?: AbortSignal): AsyncGenerator<ChatPiece> {
    yield* completionPieces(this.#lines<CompletionLine>('/api/generate', { ...body, raw: true }, signal));
  }

  /** What happens in the daemon, until the signal aborts or the daemon stops. */
  async *events(signal?: AbortSignal): AsyncGenerator<DaemonEvent> {
    const response = await this.#transport.open('GET', '/ohmygpu/v1/events', { signal, accept: 'text/event-stream' });
    for await (const data of sseData(linesOf(response, signal))) yield JSON.parse(data) as DaemonEvent;
  }
}
