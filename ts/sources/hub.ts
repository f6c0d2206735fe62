import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OmgError } from '../errors/index.ts';
import { type Artifact, asStoreChange, type InstallRecord, type Library, MissingBlobError } from '../library/index.ts';
import { findSource } from './find-source.ts';
import { HuggingFaceSource } from './huggingface/source.ts';
import { findCurrent, findOwn } from './installed.ts';
import type { ModelSource } from './model-source.ts';
import { type DownloadSource, RemoteChangedError, type TransferSettings } from './transfer/download.ts';
import { findCopies, type OtherStores } from './transfer/existing-copies.ts';
import { judgeHeaders } from './transfer/header-folder.ts';
import type { HttpOptions } from './transfer/http.ts';
import { obtainFile, type PullContext, partialKey } from './transfer/obtain-file.ts';
import { ProgressMeter } from './transfer/progress-meter.ts';
import { DEFAULT_RETRY, type RetryPolicy } from './transfer/retry.ts';
import { Semaphore } from './transfer/semaphore.ts';
import type { Judge, ModelHub, PullOptions, PullRequest, RemoteFile, RemoteModel, SearchResult } from './types.ts';
import { UrlSource } from './url/url-source.ts';

export interface HubOptions extends Partial<HttpOptions> {
  /** Besides Hugging Face; the first that claims a name has it. */
  sources?: ModelSource[];
  /** Default 4. */
  connections?: number;
  otherStores?: OtherStores;
  /** For tests and unusual networks. */
  transfer?: Partial<Omit<TransferSettings, 'connections' | 'retry'>>;
  retry?: Partial<RetryPolicy>;
}

/** Brings models from all sources into the library. */
export class Hub implements ModelHub {
  readonly #options: HubOptions;
  readonly #sources: readonly ModelSource[];
  readonly #huggingFace: HuggingFaceSource;
  readonly #otherStores: OtherStores;
  readonly #settings: TransferSettings;

  constructor(options: HubOptions = {}) {
    this.#options = options;
    const retry = { ...DEFAULT_RETRY, ...options.retry };
    // Fail fast when a source is unreachable; retry longer once a download has started.
    const askRetry = { ...retry, attempts: Math.min(retry.attempts, 3) };
    this.#huggingFace = new HuggingFaceSource({ ...options, retry: askRetry });
    this.#sources = [this.#huggingFace, ...(options.sources ?? []), new UrlSource(options, askRetry)];
    this.#otherStores = options.otherStores ?? {};
    this.#settings = {
      rangeThresholdBytes: 32 << 20,
      rangeBytes: 16 << 20,
      flushBytes: 512 << 10,
      headBytes: 1 << 20,
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

  async resolveRemote(
    request: string | PullRequest,
    library: Library,
    signal: AbortSignal = new AbortController().signal,
    judge?: Judge,
  ): Promise<RemoteModel> {
    const asked = typeof request === 'string' ? { model: request } : request;
    const meter = new ProgressMeter(undefined);
    try {
      const { source, wanted } = await findSource(asked, this.#sources, library);
      const remote = await source.resolve(wanted, signal);
      if (judge === undefined) return remote;
      const context = {
        library,
        source: this.#downloadOf(source, remote),
        otherStores: this.#otherStores,
        meter,
        signal,
      };
      const outline = await judgeHeaders(context, remote, asked.model, judge, true);
      return { ...remote, ...(outline === undefined ? {} : { outline }) };
    } catch (error) {
      throw toPullError(error, signal);
    } finally {
      meter.stop();
    }
  }

  async search(query: string, limit: number, signal?: AbortSignal): Promise<SearchResult[]> {
    try {
      return await this.#huggingFace.search(query, limit, signal);
    } catch (error) {
      throw toPullError(error, signal);
    }
  }

  /** Drops idle connections. The hub can be used again. */
  async close(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.close()));
  }

  /** By a hub of its own, so that the token goes with this pull's requests only. */
  async #pullAs(token: string, request: PullRequest, options: PullOptions): Promise<InstallRecord> {
    const hub = new Hub({
      ...this.#options,
      token,
      sources: this.#options.sources?.map((source) => source.withToken(token)),
    });
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
    const { source, wanted } = await findSource(request, this.#sources, options.library);
    for (let round = 0; ; round++) {
      meter.status('resolving');
      const remote = await source.resolve(wanted, options.signal);
      meter.start(remote.source.reference, remote.files);
      try {
        const current = request.force ? undefined : await findCurrent(remote, options.library);
        const record = current ?? (await this.#download(source, remote, request, options, meter));
        for (const { filename } of current === undefined ? [] : remote.files) meter.cached(filename, 'store');
        meter.status('success');
        return record;
      } catch (error) {
        // What changed under the pull is looked at once more; a hub that changes its mind all the time is not waited for.
        const changed = error instanceof RemoteChangedError || error instanceof MissingBlobError;
        if (!changed || round > 0) throw error;
      }
    }
  }

  async #download(
    from: ModelSource,
    remote: RemoteModel,
    { model, force = false }: PullRequest,
    { library, signal, judge }: PullOptions,
    meter: ProgressMeter,
  ): Promise<InstallRecord> {
    const stop = new AbortController();
    const source = this.#downloadOf(from, remote);
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
      if (judge !== undefined && !force) {
        const outline = await judgeHeaders(context, remote, model, judge, false);
        if (outline !== undefined) meter.outline(outline);
      }
      await library.ensureSpace(await this.#bytesToFetch(context, remote));
      meter.status('downloading');
      const artifacts = await this.#obtainAll(context, remote.files, stop, onWhole);
      signal?.throwIfAborted();
      meter.status('installing');
      const record = await library.install({
        name: remote.name,
        source: remote.source,
        artifacts,
        components: remote.components,
      });
      await lease.end();
      return record;
    } catch (error) {
      await lease.abandon();
      throw error;
    }
  }

  #downloadOf(source: ModelSource, remote: RemoteModel): DownloadSource {
    return {
      origin: remote.source,
      open: (file, request) => source.open(remote.source, file, request),
      permits: new Semaphore(this.#settings.connections),
      settings: this.#settings,
    };
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
      const copies = await findCopies(this.#otherStores, context.source.origin, file);
      if (copies.some((copy) => copy.device === device)) continue;
      const part = await stat(join(library.layout.partial, `${partialKey(context, file)}.part`)).catch(() => undefined);
      // Blocks that a partial file holds are taken already; where blocks are not counted nothing is known.
      bytes += Math.max(0, file.size - (part?.blocks ?? 0) * 512);
    }
    return bytes;
  }
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
