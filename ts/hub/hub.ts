import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OmgError } from '../errors/index.ts';
import {
  type Artifact,
  asStoreChange,
  type InstallRecord,
  type Library,
  MissingBlobError,
  nameKey,
  type ParsedName,
  parseModelName,
} from '../library/index.ts';
import { type DownloadSource, RemoteChangedError, type TransferSettings } from './download.ts';
import { findCopies, type OtherStores } from './existing-copies.ts';
import { HttpClient, type HttpOptions } from './http.ts';
import { HubApi } from './hub-api.ts';
import { obtainFile, type PullContext, partialKey } from './obtain-file.ts';
import { ProgressMeter } from './progress-meter.ts';
import { standsFor } from './pull-target.ts';
import { resolveRemote } from './resolve-remote.ts';
import { DEFAULT_RETRY, type RetryPolicy } from './retry.ts';
import { Semaphore } from './semaphore.ts';
import type { ModelHub, PullOptions, PullRequest, RemoteFile, RemoteModel, SearchResult } from './types.ts';

export interface HubOptions extends Partial<HttpOptions> {
  /** Default 4. */
  connections?: number;
  otherStores?: OtherStores;
  /** For tests and unusual networks. */
  transfer?: Partial<Omit<TransferSettings, 'connections' | 'retry'>>;
  retry?: Partial<RetryPolicy>;
}

const DEFAULT_ENDPOINT = 'https://huggingface.co';

/** A Hugging Face hub, or a mirror that speaks its protocol. */
export class Hub implements ModelHub {
  readonly #options: HubOptions;
  readonly #endpoint: string;
  readonly #http: HttpClient;
  readonly #api: HubApi;
  readonly #otherStores: OtherStores;
  readonly #settings: TransferSettings;

  constructor(options: HubOptions = {}) {
    this.#options = options;
    this.#endpoint = (options.endpoint || DEFAULT_ENDPOINT).replace(/\/+$/, '');
    this.#http = new HttpClient({ ...options, endpoint: this.#endpoint });
    const retry = { ...DEFAULT_RETRY, ...options.retry };
    // A hub that does not answer at all is told of soon; a download under way is held on to.
    const askRetry = { ...retry, attempts: Math.min(retry.attempts, 3) };
    this.#api = new HubApi(this.#http, this.#endpoint, askRetry);
    this.#otherStores = options.otherStores ?? {};
    this.#settings = {
      rangeThresholdBytes: 32 << 20,
      rangeBytes: 16 << 20,
      flushBytes: 512 << 10,
      ...options.transfer,
      connections: options.connections ?? 4,
      retry,
    };
  }

  async pull(request: string | PullRequest, options: PullOptions): Promise<InstallRecord> {
    const asked = typeof request === 'string' ? { model: request } : request;
    if (asked.token !== undefined) return await this.#pullAs(asked.token, asked, options);
    const meter = new ProgressMeter(options.onProgress);
    try {
      return await asStoreChange('download the model', () => this.#pull(asked, options, meter));
    } catch (error) {
      throw toPullError(error, options.signal);
    } finally {
      meter.stop();
    }
  }

  async resolveRemote(request: string | PullRequest, library: Library, signal?: AbortSignal): Promise<RemoteModel> {
    const asked = typeof request === 'string' ? { model: request } : request;
    try {
      return await resolveRemote(asked, this.#api, this.#endpoint, library, signal);
    } catch (error) {
      throw toPullError(error, signal);
    }
  }

  async search(query: string, limit: number, signal?: AbortSignal): Promise<SearchResult[]> {
    try {
      return await this.#api.search(query, limit, signal);
    } catch (error) {
      throw toPullError(error, signal);
    }
  }

  /** Drops idle connections. The hub can be used again. */
  async close(): Promise<void> {
    await this.#http.close();
  }

  /** By a hub of its own, so that the token goes with this pull's requests only. */
  async #pullAs(token: string, request: PullRequest, options: PullOptions): Promise<InstallRecord> {
    const hub = new Hub({ ...this.#options, token });
    try {
      return await hub.pull({ ...request, token: undefined }, options);
    } finally {
      await hub.close();
    }
  }

  async #pull(request: PullRequest, options: PullOptions, meter: ProgressMeter): Promise<InstallRecord> {
    const own = await findOwn(request, options.library);
    if (own !== undefined) {
      meter.status('success');
      return own;
    }
    for (let round = 0; ; round++) {
      meter.status('resolving');
      const remote = await resolveRemote(request, this.#api, this.#endpoint, options.library, options.signal);
      meter.start(remote.repo, remote.files);
      try {
        const current = request.force ? undefined : await findCurrent(remote, options.library);
        const record = current ?? (await this.#bring(remote, request.force ?? false, options, meter));
        for (const { filename } of current === undefined ? [] : remote.files) meter.cached(filename);
        meter.status('success');
        return record;
      } catch (error) {
        // What changed under the pull is looked at once more; a hub that changes its mind all the time is not waited for.
        const changed = error instanceof RemoteChangedError || error instanceof MissingBlobError;
        if (!changed || round > 0) throw error;
      }
    }
  }

  async #bring(
    remote: RemoteModel,
    force: boolean,
    { library, signal }: PullOptions,
    meter: ProgressMeter,
  ): Promise<InstallRecord> {
    const stop = new AbortController();
    const source: DownloadSource = {
      http: this.#http,
      endpoint: this.#endpoint,
      repo: remote.repo,
      commit: remote.commit,
      permits: new Semaphore(this.#settings.connections),
      settings: this.#settings,
    };
    const lease = await library.lease(remote.files.flatMap(({ sha256 }) => (sha256 === undefined ? [] : [sha256])));
    try {
      const arriving = new Set(remote.files.map(({ filename }) => filename));
      const onWhole = (filename: string) => {
        arriving.delete(filename);
        if (arriving.size === 0) meter.status('verifying');
      };
      const context: PullContext = {
        library,
        source,
        otherStores: this.#otherStores,
        lease,
        meter,
        signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
        force,
        onWhole,
      };
      await library.ensureSpace(await this.#bytesToFetch(context, remote));
      meter.status('downloading');
      const artifacts = await this.#obtainAll(context, remote.files, stop, onWhole);
      signal?.throwIfAborted();
      meter.status('installing');
      const record = await library.install({
        name: remote.name,
        modelRef: { provider: 'huggingface', repo: remote.repo, kind: remote.kind },
        revision: { branch: remote.revision, resolvedCommit: remote.commit },
        artifacts,
        ...(remote.engineFile === undefined ? {} : { engineFile: remote.engineFile }),
      });
      await lease.end();
      return record;
    } catch (error) {
      await lease.abandon();
      throw error;
    }
  }

  /** All files, some at once. The first error stops the others, and is thrown when they have let go of their files. */
  async #obtainAll(
    context: PullContext,
    files: readonly RemoteFile[],
    stop: AbortController,
    onWhole: (filename: string) => void,
  ): Promise<Artifact[]> {
    const open = new Semaphore(this.#settings.connections);
    let failure: { error: unknown } | undefined;
    const results = await Promise.all(
      files.map((file) =>
        open.run(async () => {
          try {
            context.signal.throwIfAborted();
            const artifact = await obtainFile(context, file);
            onWhole(file.filename);
            return artifact;
          } catch (error) {
            failure ??= { error };
            stop.abort();
            return undefined;
          }
        }),
      ),
    );
    if (failure !== undefined) throw failure.error;
    return results.filter((artifact) => artifact !== undefined);
  }

  /** Bytes that the disk has to hold on top of what is there. */
  async #bytesToFetch(context: PullContext, remote: RemoteModel): Promise<number> {
    const { library } = context;
    const device = await stat(library.layout.root).then(({ dev }) => dev);
    let bytes = 0;
    for (const file of remote.files) {
      if (file.sha256 !== undefined && (await library.findBlob(file.sha256, file.size)) !== undefined) continue;
      const copies = await findCopies(this.#otherStores, context.source, file);
      if (copies.some((copy) => copy.device === device)) continue;
      const part = await stat(join(library.layout.partial, `${partialKey(context, file)}.part`)).catch(() => undefined);
      // Blocks that a partial file holds are taken already; where blocks are not counted nothing is known.
      bytes += Math.max(0, file.size - (part?.blocks ?? 0) * 512);
    }
    return bytes;
  }
}

/** The installed model, when it is what the hub has and its files are there. */
/**
 * An installed model with a bare name that no source has, because it was made here, copied or came along: there is nothing newer to bring.
 * Clients pull whatever they are about to use.
 */
async function findOwn(request: PullRequest, library: Library): Promise<InstallRecord | undefined> {
  if (request.revision !== undefined || request.quant !== undefined || request.file !== undefined) return undefined;
  const { name, hasNamespace, revision } = parsedName(request.model) ?? {};
  if (name === undefined || hasNamespace || revision !== undefined) return undefined;
  if ((await standsFor(name, library)) !== undefined) return undefined;
  return (await library.list()).find((record) => nameKey(record.name) === nameKey(name));
}

/** Undefined for what is no name, such as a URL. */
function parsedName(text: string): ParsedName | undefined {
  try {
    return parseModelName(text);
  } catch {
    return undefined;
  }
}

async function findCurrent(remote: RemoteModel, library: Library): Promise<InstallRecord | undefined> {
  const record = (await library.list()).find(({ name }) => nameKey(name) === nameKey(remote.name));
  if (record?.modelRef.repo !== remote.repo || record.revision.resolvedCommit !== remote.commit) return undefined;
  if (record.revision.branch !== remote.revision || record.artifacts.length !== remote.files.length) return undefined;
  for (const { filename, size } of remote.files) {
    if (!record.artifacts.some((artifact) => artifact.filename === filename && artifact.size === size))
      return undefined;
    const stats = await stat(join(record.localPath, filename)).catch(() => undefined);
    if (stats?.size !== size) return undefined;
  }
  return record;
}

function toPullError(error: unknown, signal: AbortSignal | undefined): OmgError {
  if (signal?.aborted) {
    return new OmgError('cancelled', 'The download was stopped.', {
      hint: 'What has arrived is kept; the next pull goes on from there.',
      cause: error,
    });
  }
  if (error instanceof RemoteChangedError) {
    return new OmgError('hub_error', `${error.message} Twice in a row.`, {
      hint: 'Pull again in a while.',
      cause: error,
    });
  }
  return OmgError.from(error);
}
