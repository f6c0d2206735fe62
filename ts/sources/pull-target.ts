import { OmgError } from '../errors/index.ts';
import { type Library, type ModelName, parseModelName } from '../library/index.ts';
import { CATALOG } from './catalog/catalog-data.ts';
import { nearNames } from './catalog/near-names.ts';
import { quantLabel } from './selection/quantization.ts';
import type { PullRequest } from './types.ts';

/** What is asked of the hub, with every alias resolved. */
export interface PullTarget {
  /** `owner/repo`. */
  repo: string;
  /** Branch, tag or commit; absent: the default branch. */
  revision?: string;
  /** Behind the repository's name: the quantisation of a GGUF repository, the revision of another. */
  tag?: string;
  quant?: string;
  file?: string;
  /** The name to install under, where an alias was asked for. */
  alias?: ModelName;
}

const FOREIGN_SCHEME = /^(?:ollama|oci|docker):\/\//i;

/**
 * Understands `owner/repo[:quant][@revision]`, `hf.co/…`, URLs of the hub, the user's aliases and the catalog's. Throws
 * `invalid_model_name`, `unsupported` for other registries, `repo_not_found` for a bare name that is no alias.
 */
export async function pullTarget(request: PullRequest, endpoint: string, library: Library): Promise<PullTarget> {
  const text = request.model.trim();
  if (FOREIGN_SCHEME.test(text)) throw otherRegistry(text);
  const own = { revision: request.revision, quant: request.quant, file: request.file };
  const fromUrl = urlTarget(text, endpoint);
  if (fromUrl !== undefined) return merge(fromUrl, own);

  const { name, hasTag, hasNamespace, revision } = parseModelName(text);
  const target = await standsFor(name, library);
  if (target !== undefined) {
    const aliased = parseModelName(target);
    if (!aliased.hasNamespace) throw notInCatalog(target);
    return merge({ ...repoTarget(aliased.name, aliased.hasTag, revision ?? aliased.revision), alias: name }, own);
  }
  if (name.host !== 'hf.co') throw otherRegistry(text);
  if (!hasNamespace || name.namespace.toLowerCase() === 'library') throw notInCatalog(text);
  return merge(repoTarget(name, hasTag, revision), own);
}

/** What the user's aliases, or the catalog, have for a name. */
export async function standsFor(name: ModelName, library: Library): Promise<string | undefined> {
  return (await library.aliasTarget(name)) ?? catalogTarget(name);
}

/**
 * `qwen3:4b`, and `qwen3:4b-q8_0` for another quantisation than the usual one. Ollama puts `library/` before such a name, docker
 * model-runner `ai/`.
 */
export function catalogTarget(name: ModelName): string | undefined {
  if (name.host !== 'hf.co' || !['library', 'ai'].includes(name.namespace.toLowerCase())) return undefined;
  const tags = own(CATALOG, name.model.toLowerCase());
  const tag = name.tag.toLowerCase();
  const direct = tags && own(tags, tag);
  if (tags === undefined || direct !== undefined) return direct;
  const dash = tag.indexOf('-');
  const repo = own(tags, dash < 0 ? 'latest' : tag.slice(0, dash));
  const quant = tag.slice(dash + 1);
  return repo !== undefined && quantLabel(quant) === quant.toUpperCase() ? `${repo}:${quant.toUpperCase()}` : undefined;
}

/** Names come from outside, and `constructor` is one. */
function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function repoTarget(name: ModelName, hasTag: boolean, revision: string | undefined): PullTarget {
  return {
    repo: `${name.namespace}/${name.model}`,
    ...(hasTag && name.tag.toLowerCase() !== 'latest' ? { tag: name.tag } : {}),
    ...(revision === undefined ? {} : { revision }),
  };
}

/** `https://huggingface.co/owner/repo[/(tree|blob|resolve)/revision[/file]]`, also below another endpoint. */
function urlTarget(text: string, endpoint: string): PullTarget | undefined {
  if (!/^https?:\/\//i.test(text)) return undefined;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new OmgError('invalid_model_name', `${JSON.stringify(text)} is not a valid URL.`);
  }
  const base = new URL(endpoint);
  if (url.host !== base.host && !['huggingface.co', 'www.huggingface.co', 'hf.co'].includes(url.host)) {
    throw otherRegistry(text);
  }
  const [owner, repo, view, revision, ...path] = url.pathname
    .slice(url.host === base.host ? base.pathname.replace(/\/$/, '').length : 0)
    .split('/')
    .filter((part) => part !== '')
    .map(decodePart);
  if (owner === undefined || repo === undefined) {
    throw new OmgError('invalid_model_name', `${JSON.stringify(text)} names no repository.`);
  }
  const { name, hasTag, revision: at } = parseModelName(`${owner}/${repo}`);
  const target = repoTarget(name, hasTag, at);
  if (view === undefined || revision === undefined || !['tree', 'blob', 'resolve'].includes(view)) return target;
  const file = path.join('/');
  return { ...target, revision, ...(/\.gguf$/i.test(file) ? { file } : {}) };
}

function merge(target: PullTarget, own: Pick<PullTarget, 'revision' | 'quant' | 'file'>): PullTarget {
  return {
    ...target,
    ...(own.revision === undefined ? {} : { revision: own.revision }),
    ...(own.quant === undefined ? {} : { quant: own.quant }),
    ...(own.file === undefined ? {} : { file: own.file }),
  };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new OmgError('invalid_model_name', `${JSON.stringify(part)} in the URL is not encoded properly.`);
  }
}

function notInCatalog(text: string): OmgError {
  const near = nearNames(parseModelName(text).name);
  return new OmgError('repo_not_found', `There is no model ${JSON.stringify(text)} in the catalog.`, {
    hint:
      near.length > 0
        ? `Did you mean ${near.join(', ')}? Any other Hugging Face repository is pulled as owner/repo.`
        : 'Give a Hugging Face repository as owner/repo, or look for one with omg search.',
    detail: { near },
  });
}

function otherRegistry(text: string): OmgError {
  return new OmgError('unsupported', `${JSON.stringify(text)} is of a registry that omg cannot pull from.`, {
    hint: 'Pull the same model from Hugging Face: owner/repo, or find it with omg search.',
  });
}
