import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import type { ModelFacts } from '../../library/index.ts';
import { dropBody, type HttpAnswer, type HttpClient, readText } from '../transfer/http.ts';
import { type RetryPolicy, withRetries } from '../transfer/retry.ts';
import type { RemoteFile, SearchResult } from '../types.ts';
import { hubError } from './hub-errors.ts';

export interface HubModel {
  /** `owner/repo` in the hub's own casing; another one than asked for when it was renamed. */
  id: string;
  commit: string;
  gated: boolean;
  files: RemoteFile[];
  facts: ModelFacts;
}

/** Answers are untrusted; longer ones than this are refused. The largest real ones (10,000 files) have about 3 MB. */
const ANSWER_LIMIT = 64 << 20;

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
const gitSha1Schema = z.string().regex(/^[0-9a-f]{40}$/);
const sizeSchema = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const gatedSchema = z.union([z.boolean(), z.string()]).optional();

const modelSchema = z.object({
  id: z.string().regex(/^[^/\s]+\/[^/\s]+$/),
  sha: gitSha1Schema,
  gated: gatedSchema,
  pipeline_tag: z.string().nullish(),
  library_name: z.string().nullish(),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: sizeSchema.nullish(),
      blobId: gitSha1Schema.nullish(),
      lfs: z.object({ sha256: sha256Schema.optional(), oid: sha256Schema.optional() }).nullish(),
    }),
  ),
});

const treeSchema = z.array(
  z.object({
    type: z.string(),
    path: z.string(),
    size: sizeSchema,
    oid: z.string().optional(),
    lfs: z.object({ oid: sha256Schema }).nullish(),
  }),
);

const searchSchema = z.array(
  z.object({
    id: z.string(),
    downloads: z.number().nullish(),
    likes: z.number().nullish(),
    tags: z.array(z.string()).nullish(),
    gated: gatedSchema,
  }),
);

/** The parts of the hub's API that a pull needs. */
export class HubApi {
  readonly #http: HttpClient;
  readonly #endpoint: string;
  readonly #retry: RetryPolicy;

  constructor(http: HttpClient, endpoint: string, retry: RetryPolicy) {
    this.#http = http;
    this.#endpoint = endpoint;
    this.#retry = retry;
  }

  /** What a repository holds at a revision. Throws `repo_not_found`, `repo_gated`, `hub_error`, `hub_unreachable`. */
  async model(repo: string, revision: string, signal?: AbortSignal): Promise<HubModel> {
    const path = `/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
    const { value } = await this.#json(path, modelSchema, { repo, revision }, signal);
    const files = value.siblings.flatMap(({ rfilename, size, blobId, lfs }): RemoteFile[] => {
      if (size == null) return [];
      const sha256 = lfs?.sha256 ?? lfs?.oid;
      return [{ filename: rfilename, size, sha256, gitSha1: lfs == null ? (blobId ?? undefined) : undefined }];
    });
    return {
      id: value.id,
      commit: value.sha,
      gated: value.gated !== undefined && value.gated !== false,
      facts: {
        ...(value.pipeline_tag == null ? {} : { pipeline: value.pipeline_tag }),
        ...(value.library_name == null ? {} : { library: value.library_name }),
      },
      // Mirrors that do not know `blobs=true` leave the sizes out.
      files: files.length === value.siblings.length ? files : await this.#tree(repo, value.sha, signal),
    };
  }

  async search(query: string, limit: number, signal?: AbortSignal): Promise<SearchResult[]> {
    const parameters = new URLSearchParams({ search: query, limit: String(limit), sort: 'downloads', direction: '-1' });
    for (const field of ['downloads', 'likes', 'tags', 'gated']) parameters.append('expand[]', field);
    const { value } = await this.#json(`/api/models?${parameters}`, searchSchema, { repo: query }, signal);
    const pullable = value.filter(({ id }) => /^[\w.-]+\/[\w.-]+$/.test(id));
    return pullable.slice(0, limit).map(({ id, downloads, likes, tags, gated }) => ({
      id,
      downloads: downloads ?? 0,
      likes: likes ?? 0,
      formats: (['gguf', 'safetensors'] as const).filter((format) => tags?.includes(format)),
      gated: gated !== undefined && gated !== false,
    }));
  }

  async #tree(repo: string, commit: string, signal?: AbortSignal): Promise<RemoteFile[]> {
    const files: RemoteFile[] = [];
    let path: string | undefined = `/api/models/${repo}/tree/${commit}?recursive=true&limit=1000`;
    for (let page = 0; path !== undefined && page < 100; page++) {
      const answer: { value: z.infer<typeof treeSchema>; headers: Record<string, string> } = await this.#json(
        path,
        treeSchema,
        { repo, revision: commit },
        signal,
      );
      for (const { type, path: filename, size, oid, lfs } of answer.value) {
        if (type !== 'file') continue;
        const gitSha1 = lfs == null && gitSha1Schema.safeParse(oid).success ? oid : undefined;
        files.push({ filename, size, sha256: lfs?.oid, gitSha1 });
      }
      path = nextPage(answer.headers.link, this.#endpoint);
    }
    return files;
  }

  async #json<T>(
    path: string,
    schema: z.ZodType<T>,
    asked: { repo: string; revision?: string },
    signal?: AbortSignal,
  ): Promise<{ value: T; headers: Record<string, string> }> {
    const host = new URL(this.#endpoint).host;
    const { answer, text } = await withRetries(
      this.#retry,
      async () => {
        const answer: HttpAnswer = await this.#http.request(`${this.#endpoint}${path}`, { signal });
        if (answer.status < 200 || answer.status > 299) {
          await dropBody(answer.body);
          throw hubError(answer, { ...asked, endpoint: this.#endpoint, hasToken: this.#http.hasToken });
        }
        return { answer, text: await readText(answer, host, ANSWER_LIMIT, signal) };
      },
      signal,
    );
    const parsed = schema.safeParse(parseJson(text));
    if (!parsed.success) {
      throw new OmgError('hub_error', `${host} does not answer like a Hugging Face hub.`, {
        hint: 'Check HF_ENDPOINT.',
        cause: parsed.error,
      });
    }
    return { value: parsed.data, headers: answer.headers };
  }
}

/** The address of `Link: <…>; rel="next"` below the endpoint, if it is the hub's own. */
function nextPage(link: string | undefined, endpoint: string): string | undefined {
  const target = /<([^>]+)>;\s*rel="next"/.exec(link ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, endpoint)) return undefined;
  const { href } = new URL(target, endpoint);
  return href.startsWith(`${endpoint}/`) ? href.slice(endpoint.length) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
