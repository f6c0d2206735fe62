import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, FaultPlan } from './faults.ts';
import { type RepositoryOptions, type StandInContent, StandInRepository } from './repository.ts';
import { type RequestLog, sendContent, sendJson, sendStatus } from './send.ts';

export interface StandInOptions {
  /** 0 or absent: any free one. */
  port?: number;
  storagePort?: number;
  /** Renamed repositories: old id to new id. */
  renamed?: Record<string, string>;
}

/** A Hugging Face hub on two local hosts: the hub itself, and the storage that it redirects to for large files. */
export class HubStandIn {
  readonly requests: RequestLog[] = [];
  readonly faults = new FaultPlan();
  /** Most answers of the storage that were being sent at the same time. */
  peakTransfers = 0;
  #transfers = 0;
  readonly #options: StandInOptions;
  readonly #repositories = new Map<string, StandInRepository>();
  readonly #hub: Server;
  readonly #storage: Server;

  private constructor(options: StandInOptions) {
    this.#options = options;
    this.#hub = createServer((request, response) => this.#serve('hub', request, response));
    this.#storage = createServer((request, response) => this.#serve('storage', request, response));
  }

  static async start(options: StandInOptions = {}): Promise<HubStandIn> {
    const standIn = new HubStandIn(options);
    await Promise.all([listen(standIn.#hub, options.port ?? 0), listen(standIn.#storage, options.storagePort ?? 0)]);
    return standIn;
  }

  /** What `HF_ENDPOINT` is set to. */
  get url(): string {
    return `http://127.0.0.1:${portOf(this.#hub)}`;
  }

  get storageUrl(): string {
    return `http://127.0.0.1:${portOf(this.#storage)}`;
  }

  /** Bytes of files sent by either host; API answers do not count. */
  get bytesServed(): number {
    const files = this.requests.filter(({ path }) => path.includes('/resolve') || path.startsWith('/objects/'));
    return files.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  }

  repository(id: string, files: Record<string, string | Buffer>, options?: RepositoryOptions): StandInRepository {
    const repository = new StandInRepository(id, options);
    repository.commit('main', files);
    return this.add(repository);
  }

  add(repository: StandInRepository): StandInRepository {
    this.#repositories.set(repository.id.toLowerCase(), repository);
    return repository;
  }

  fault(fault: Fault): void {
    this.faults.add(fault);
  }

  async close(): Promise<void> {
    await Promise.all(
      [this.#hub, this.#storage].map(async (server) => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #serve(host: RequestLog['host'], request: IncomingMessage, response: ServerResponse): void {
    const log: RequestLog = { host, method: request.method ?? '', path: request.url ?? '', bytesSent: 0 };
    if (request.headers.range !== undefined) log.range = request.headers.range;
    if (request.headers.authorization !== undefined) log.authorization = request.headers.authorization;
    this.requests.push(log);
    response.on('error', () => {});
    const answer =
      host === 'hub' ? this.#answerHub(request, response, log) : this.#answerStorage(request, response, log);
    answer.catch(() => response.destroy());
  }

  /** Plays what the rules say about the headers; true when that was the whole answer. */
  async #playFault(fault: Fault, response: ServerResponse, log: RequestLog): Promise<boolean> {
    if (fault.delayMs !== undefined) await sleep(fault.delayMs);
    if (fault.cutAfterBytes === 0) {
      response.destroy();
      return true;
    }
    if (fault.status === undefined) return false;
    sendStatus(response, log, fault.status, fault.headers, fault.body);
    return true;
  }

  async #answerHub(request: IncomingMessage, response: ServerResponse, log: RequestLog): Promise<void> {
    const fault = this.faults.take('hub', log.path);
    if (await this.#playFault(fault, response, log)) return;
    const url = new URL(log.path, this.url);
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
    if (url.pathname === '/api/models') return this.#search(url, response, log);

    const cached = parts[0] === 'api' && parts[1] === 'resolve-cache';
    const api = parts[0] === 'api' && parts[1] === 'models';
    const [owner, name, view, revision = 'main', ...path] = cached
      ? [parts[3], parts[4], 'resolve-cache', ...parts.slice(5)]
      : parts.slice(api ? 2 : 0);
    const id = `${owner}/${name}`;
    const renamed = this.#options.renamed?.[id];
    if (renamed !== undefined) return sendStatus(response, log, 307, { location: log.path.replace(id, renamed) });

    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const repository = this.#repositories.get(id.toLowerCase());
    if (repository === undefined || (repository.options.private && !repository.mayRead(token))) {
      const status = token === undefined ? 401 : 404;
      return sendStatus(response, log, status, {
        'x-error-code': 'RepoNotFound',
        'x-error-message': 'Repository not found',
      });
    }
    const found = repository.at(revision);
    if (found === undefined) {
      return sendStatus(response, log, 404, {
        'x-error-code': 'RevisionNotFound',
        'x-error-message': `Invalid rev id: ${revision}`,
      });
    }
    if (api && view === 'revision')
      return sendJson(response, log, describe(repository, found, url.searchParams.get('blobs') === 'true'));
    if (api && view === 'tree') return this.#tree(url, response, log, found.tree);
    if (view === 'resolve' || view === 'resolve-cache') {
      if (!repository.mayRead(token)) {
        const status = token === undefined ? 401 : 403;
        return sendStatus(response, log, status, {
          'x-error-code': 'GatedRepo',
          'x-error-message': `Access to model ${id} is restricted.`,
        });
      }
      return await this.#resolve(request, response, log, fault, { id, view, filename: path.join('/'), ...found });
    }
    sendStatus(response, log, 404);
  }

  async #resolve(
    request: IncomingMessage,
    response: ServerResponse,
    log: RequestLog,
    fault: Fault,
    asked: { id: string; view: string; filename: string; commit: string; tree: ReadonlyMap<string, StandInContent> },
  ): Promise<void> {
    const { id, view, filename, commit } = asked;
    const content = asked.tree.get(filename);
    if (content === undefined) {
      return sendStatus(response, log, 404, { 'x-error-code': 'EntryNotFound', 'x-error-message': 'Entry not found' });
    }
    const encoded = filename.split('/').map(encodeURIComponent).join('/');
    const headers = { 'x-repo-commit': commit };
    if (StandInRepository.isLfs(filename, content)) {
      return sendStatus(response, log, 302, {
        ...headers,
        'x-linked-size': String(content.size),
        'x-linked-etag': `"${content.sha256}"`,
        location: `${this.storageUrl}/objects/${asked.id}/${commit}/${encoded}?signature=${this.requests.length}`,
      });
    }
    const etag = { etag: `"${content.gitSha1}"` };
    if (view === 'resolve') {
      return sendStatus(response, log, 307, {
        ...headers,
        ...etag,
        location: `/api/resolve-cache/models/${id}/${commit}/${encoded}`,
      });
    }
    await sendContent(request, response, log, content, fault, { ...headers, ...etag });
  }

  async #answerStorage(request: IncomingMessage, response: ServerResponse, log: RequestLog): Promise<void> {
    const fault = this.faults.take('storage', log.path);
    if (await this.#playFault(fault, response, log)) return;
    const [, , owner, name, commit = '', ...path] = new URL(log.path, this.url).pathname
      .split('/')
      .map(decodeURIComponent);
    const content = this.#repositories.get(`${owner}/${name}`.toLowerCase())?.at(commit)?.tree.get(path.join('/'));
    if (content === undefined) return sendStatus(response, log, 404);
    this.peakTransfers = Math.max(this.peakTransfers, ++this.#transfers);
    // The storage has ETags of its own, which say nothing about the hub's.
    const headers = { etag: `"${content.gitSha1.slice(0, 32)}"` };
    let counted = true;
    const uncount = () => {
      if (counted) this.#transfers--;
      counted = false;
    };
    await sendContent(request, response, log, content, fault, headers, uncount).finally(uncount);
  }

  #search(url: URL, response: ServerResponse, log: RequestLog): void {
    const wanted = (url.searchParams.get('search') ?? '').toLowerCase();
    const found = [...this.#repositories.values()]
      .filter(({ id }) => id.toLowerCase().includes(wanted))
      .sort((a, b) => (b.options.downloads ?? 0) - (a.options.downloads ?? 0))
      .slice(0, Number(url.searchParams.get('limit') ?? 20));
    const results = found.map((repository) => {
      const files = [...(repository.at('main')?.tree.keys() ?? [])];
      return {
        id: repository.id,
        downloads: repository.options.downloads ?? 0,
        likes: repository.options.likes ?? 0,
        gated: repository.options.gated ? 'manual' : false,
        tags: ['gguf', 'safetensors'].filter((format) => files.some((file) => file.endsWith(`.${format}`))),
      };
    });
    sendJson(response, log, results);
  }

  /** In pages, as the real one has them. */
  #tree(url: URL, response: ServerResponse, log: RequestLog, tree: ReadonlyMap<string, StandInContent>): void {
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const limit = Math.min(Number(url.searchParams.get('limit') ?? 1000), 2);
    const entries = [...tree].map(([path, content]) => ({
      type: 'file',
      path,
      size: content.size,
      oid: content.gitSha1,
      ...(StandInRepository.isLfs(path, content) ? { lfs: { oid: content.sha256, size: content.size } } : {}),
    }));
    const next = new URL(url);
    next.searchParams.set('cursor', String(start + limit));
    const more: Record<string, string> = start + limit < entries.length ? { link: `<${next}>; rel="next"` } : {};
    sendJson(response, log, entries.slice(start, start + limit), more);
  }
}

function describe(
  { id, options }: StandInRepository,
  { commit, tree }: { commit: string; tree: ReadonlyMap<string, StandInContent> },
  blobs: boolean,
): unknown {
  const siblings = [...tree].map(([rfilename, content]) => {
    if (!blobs || options.hideSizes) return { rfilename };
    const lfs = { sha256: content.sha256, size: content.size, pointerSize: 134 };
    return {
      rfilename,
      size: content.size,
      blobId: content.gitSha1,
      ...(StandInRepository.isLfs(rfilename, content) ? { lfs } : {}),
    };
  });
  return {
    id,
    modelId: id,
    sha: commit,
    private: options.private ?? false,
    gated: options.gated ? 'manual' : false,
    siblings,
  };
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
