import { OmgError } from '../../errors/index.ts';
import {
  assertSafeFilename,
  componentsOf,
  DEFAULT_NAMESPACE,
  DEFAULT_TAG,
  type ModelOrigin,
  toNamePart,
} from '../../library/index.ts';
import type { ModelSource, Wanted } from '../model-source.ts';
import { type FileRequest, RemoteChangedError } from '../transfer/download.ts';
import { dropBody, type HttpAnswer, HttpClient, type HttpOptions } from '../transfer/http.ts';
import { isPrivateHost } from '../transfer/private-address.ts';
import { parseRetryAfter, type RetryPolicy, TransientError, withRetries } from '../transfer/retry.ts';
import type { RemoteFile, RemoteModel } from '../types.ts';

/** A GGUF file at an address of its own. Nothing tells its hash, so over the internet it has to come by https. No token goes there. */
export class UrlSource implements ModelSource {
  readonly scheme = 'https';
  readonly #options: Omit<HttpOptions, 'endpoint' | 'token'>;
  readonly #retry: RetryPolicy;
  readonly #clients = new Map<string, HttpClient>();

  constructor(options: Omit<HttpOptions, 'endpoint' | 'token'>, retry: RetryPolicy) {
    this.#options = options;
    this.#retry = retry;
  }

  claims(text: string): boolean {
    return /^https?:\/\//i.test(text) && URL.canParse(text) && /\.gguf$/i.test(new URL(text).pathname);
  }

  async resolve({ text, alias }: Wanted, signal?: AbortSignal): Promise<RemoteModel> {
    const url = new URL(text);
    if (url.protocol === 'http:' && !isPrivateHost(url.hostname)) {
      throw new OmgError('invalid_model_name', `${url.host} would send the model unprotected.`, {
        hint: 'Use https: nothing else tells whether the bytes are the right ones.',
      });
    }
    const filename = decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf('/') + 1));
    assertSafeFilename(filename);
    const { size, tag } = await withRetries(this.#retry, () => this.#look(url, signal), signal);
    const files: RemoteFile[] = [{ filename, size }];
    return {
      name: alias ?? {
        host: url.host.replace(/[[\]]/g, ''),
        namespace: DEFAULT_NAMESPACE,
        model: toNamePart(filename.replace(/\.gguf$/i, ''), 'model'),
        tag: DEFAULT_TAG,
      },
      source: {
        scheme: this.scheme,
        reference: url.href,
        revision: { branch: 'url', ...(tag === undefined ? {} : { resolvedCommit: tag }) },
      },
      components: componentsOf(files),
      files,
      totalBytes: size,
    };
  }

  async open({ reference, revision }: ModelOrigin, file: RemoteFile, request: FileRequest): Promise<HttpAnswer> {
    const url = new URL(reference);
    const answer = await this.#client(url).request(request.location ?? reference, {
      range: request.range,
      signal: request.signal,
    });
    const tag = tagOf(answer);
    const changed = revision.resolvedCommit !== undefined && tag !== undefined && tag !== revision.resolvedCommit;
    if (answer.status !== 200 && answer.status !== 206) {
      await dropBody(answer.body);
      throw failure(answer, url);
    }
    if (!changed) return answer;
    await dropBody(answer.body);
    throw new RemoteChangedError(`${file.filename} has changed on ${url.host}.`);
  }

  withToken(): ModelSource {
    return new UrlSource(this.#options, this.#retry);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  async #look(url: URL, signal?: AbortSignal): Promise<{ size: number; tag: string | undefined }> {
    const answer = await this.#client(url).request(url.href, { range: 'bytes=0-0', signal });
    // The body of a server that does not know ranges is the whole file.
    answer.body.on('error', () => {});
    answer.body.destroy();
    if (answer.status !== 200 && answer.status !== 206) throw failure(answer, url);
    const told =
      answer.status === 206
        ? /\/(\d+)$/.exec(answer.headers['content-range'] ?? '')?.[1]
        : answer.headers['content-length'];
    const isText = /^text\/|\/json\b/.test(answer.headers['content-type'] ?? '');
    const size = Number(told);
    if (isText || told === undefined || !Number.isSafeInteger(size) || size === 0) {
      throw new OmgError(
        'hub_error',
        `${url.host} answers with ${isText ? 'a page' : 'a file of unknown size'}, not with a model.`,
        {
          hint: 'Check the address; it has to lead to the file itself.',
        },
      );
    }
    return { size, tag: tagOf(answer) };
  }

  #client(url: URL): HttpClient {
    let client = this.#clients.get(url.origin);
    if (client === undefined) {
      client = new HttpClient({ ...this.#options, endpoint: url.origin, token: undefined });
      this.#clients.set(url.origin, client);
    }
    return client;
  }
}

/** A weak tag does not tell bytes apart. */
function tagOf({ headers }: HttpAnswer): string | undefined {
  return headers.etag?.startsWith('W/') ? undefined : headers.etag;
}

function failure({ status, headers }: HttpAnswer, url: URL): Error {
  const error = new OmgError(
    status === 404 || status === 410 ? 'repo_not_found' : status === 401 || status === 403 ? 'repo_gated' : 'hub_error',
    `${url.host} answers ${status} for ${url.pathname}.`,
    { hint: 'Check the address.', detail: { status } },
  );
  const passes = status === 408 || status === 429 || status >= 500;
  return passes ? new TransientError(error, parseRetryAfter(headers['retry-after'])) : error;
}
