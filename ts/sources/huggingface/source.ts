import type { ModelOrigin } from '../../library/index.ts';
import type { ModelSource, Wanted } from '../model-source.ts';
import { type FileRequest, RemoteChangedError } from '../transfer/download.ts';
import { dropBody, type HttpAnswer, HttpClient, type HttpOptions } from '../transfer/http.ts';
import type { RetryPolicy } from '../transfer/retry.ts';
import type { RemoteFile, RemoteModel, SearchResult } from '../types.ts';
import { HubApi } from './hub-api.ts';
import { hubError } from './hub-errors.ts';
import { pullTarget } from './pull-target.ts';
import { resolveRemote } from './resolve-remote.ts';

const DEFAULT_ENDPOINT = 'https://huggingface.co';

export interface HuggingFaceOptions extends Omit<HttpOptions, 'endpoint'> {
  /** Of a mirror. Empty or absent: the hub itself. */
  endpoint?: string;
  retry: RetryPolicy;
}

/** A Hugging Face hub, or a mirror that speaks its protocol. */
export class HuggingFaceSource implements ModelSource {
  readonly scheme = 'huggingface';
  readonly #options: HuggingFaceOptions;
  readonly #endpoint: string;
  readonly #http: HttpClient;
  readonly #api: HubApi;

  constructor(options: HuggingFaceOptions) {
    this.#options = options;
    this.#endpoint = (options.endpoint || DEFAULT_ENDPOINT).replace(/\/+$/, '');
    this.#http = new HttpClient({ ...options, endpoint: this.#endpoint });
    this.#api = new HubApi(this.#http, this.#endpoint, options.retry);
  }

  claims(text: string): boolean {
    if (/^(?:hf|huggingface):\/\//i.test(text)) return true;
    const rest = text.replace(/^https?:\/\//i, '');
    const host = rest.slice(0, Math.max(0, rest.indexOf('/'))).toLowerCase();
    if (['huggingface.co', 'www.huggingface.co', 'hf.co'].includes(host)) return true;
    return rest !== text && host === new URL(this.#endpoint).host;
  }

  async resolve(wanted: Wanted, signal?: AbortSignal): Promise<RemoteModel> {
    return await resolveRemote(pullTarget(wanted, this.#endpoint), this.#api, signal);
  }

  async open({ reference, revision }: ModelOrigin, file: RemoteFile, request: FileRequest): Promise<HttpAnswer> {
    const commit = revision.resolvedCommit ?? revision.branch;
    const path = file.filename.split('/').map(encodeURIComponent).join('/');
    const url = request.location ?? `${this.#endpoint}/${reference}/resolve/${commit}/${path}`;
    const answer = await this.#http.request(url, { range: request.range, signal: request.signal });
    try {
      if (answer.status !== 200 && answer.status !== 206) {
        const { hasToken } = this.#http;
        const asked = {
          repo: reference,
          endpoint: this.#endpoint,
          hasToken,
          filename: file.filename,
          revision: commit,
        };
        throw hubError(answer, asked);
      }
      checkIdentity(answer, file);
      return answer;
    } catch (error) {
      await dropBody(answer.body);
      throw error;
    }
  }

  async search(query: string, limit: number, signal?: AbortSignal): Promise<SearchResult[]> {
    return await this.#api.search(query, limit, signal);
  }

  withToken(token: string): ModelSource {
    return new HuggingFaceSource({ ...this.#options, token });
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}

/** The ETag of the hub names the bytes: their sha256 for LFS files, the id of the git blob for others. */
function checkIdentity({ hubHeaders }: HttpAnswer, { sha256, gitSha1, size, filename }: RemoteFile): void {
  const etag = (hubHeaders['x-linked-etag'] ?? hubHeaders.etag)?.replace(/^W\//, '').replaceAll('"', '');
  const linkedSize = hubHeaders['x-linked-size'];
  const expected = etag?.length === 64 ? sha256 : etag?.length === 40 ? gitSha1 : undefined;
  const otherBytes = etag !== undefined && expected !== undefined && etag !== expected;
  if (otherBytes || (linkedSize !== undefined && Number(linkedSize) !== size)) {
    throw new RemoteChangedError(`${filename} has changed on the hub.`);
  }
}
